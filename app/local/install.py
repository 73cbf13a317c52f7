"""The one place that changes moto: everything this package replaces in it, all within this process."""

from typing import Any, Final

import moto.dynamodb.urls
import moto.stepfunctions.urls
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend import execution_worker

from app import errors
from app.local import activity_state, dynamodb, expressions, responses, service_tasks, sizes
from app.local.scopes import Scope

REPLACED: Final[tuple[tuple[Any, str, Any], ...]] = (
    (moto.stepfunctions.urls, "url_paths", {"{0}/$": responses.Response.dispatch}),
    (moto.dynamodb.urls, "url_paths", {"{0}/": dynamodb.Response.dispatch}),
    (execution_worker, "Environment", Scope),
    (StateTaskActivity, "_evaluate_with_timeout", activity_state.evaluate_without_clock),
    (StateTaskActivity, "_eval_parameters", activity_state.input_as_json),
    (StateTaskActivity, "_eval_execution", activity_state.naming_the_activity(StateTaskActivity._eval_execution)),  # noqa: SLF001
    (StateTaskServiceSfn, "_normalise_parameters", service_tasks.nested_parameters),
    (StateTaskServiceSfn, "_normalise_response", service_tasks.nested_result),
    *(
        (owner, "is_within_size_quota", sizes.is_within_quota)
        for owner in (state, state_task_lambda, state_task_service)
    ),
    (boto_client, "boto3", service_tasks.SerialClients()),
    (jsonata, "_eval_jsonata", expressions.evaluate),
    (states, "encode_jsonata_variable_declarations", expressions.declare),
    (variable_store, "encode_jsonata_variable_declarations", expressions.declare),
    (variable_store.VariableStore, "get_assigned_variables", expressions.assigned_variables),
    (StringJSONata, "_eval_body", expressions.failing_as_query_error(StringJSONata._eval_body)),  # noqa: SLF001
)
"""Owner, name and what takes the place of moto's part of that name."""


def install() -> None:
    """Put this package's parts in the place of moto's; call it once, before the first request.

    Raises ``StartupError`` when moto is not the version that these parts fit.
    """
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    for owner, name, part in REPLACED:
        if not hasattr(owner, name):
            raise errors.StartupError(f"The embedded AWS does not fit the installed moto: {owner} has no {name}")
        setattr(owner, name, part)
    _name_errors()


def _name_errors() -> None:
    # The interpreter's errors have no type, and would reach the client without one.
    for error in vars(api).values():
        if isinstance(error, type) and issubclass(error, AWSError) and error is not AWSError:
            error.TYPE = error.__name__
