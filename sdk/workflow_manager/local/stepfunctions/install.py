"""The one place that changes moto: everything this package replaces in it, all within this process."""

import functools
from typing import Any, Final

import moto.backends
import moto.dynamodb.urls
import moto.stepfunctions.urls
from jsonpath_ng.ext import filter as filters
from moto.backends import list_of_moto_modules
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.moto_server import werkzeug_app
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_map import state_map
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from workflow_manager import errors
from workflow_manager.local import dynamodb
from workflow_manager.local.language import failures, map_runs, maps, paths, queries
from workflow_manager.local.stepfunctions import activity_state, definitions, responses, scopes, service_tasks, sizes

_ENTRY: Final = CommonStateField._get_state_entered_event_details  # noqa: SLF001
_EXIT: Final = CommonStateField._get_state_exited_event_details  # noqa: SLF001

REPLACED: Final[tuple[tuple[Any, str, Any], ...]] = (
    (moto.backends, "list_of_moto_modules", functools.cache(lambda: frozenset(list_of_moto_modules()))),
    (werkzeug_app, "DISABLE_GLOBAL_CORS", True),
    (moto.stepfunctions.urls, "url_paths", {"{0}/$": responses.StepFunctionsResponse.dispatch}),
    (moto.dynamodb.urls, "url_paths", {"{0}/": dynamodb.DynamoDBResponse.dispatch}),
    (execution_worker, "Environment", scopes.VariableScope),
    (CommonStateField, "_get_state_entered_event_details", scopes.announcing(_ENTRY, "input")),
    (CommonStateField, "_get_state_exited_event_details", scopes.announcing(_EXIT, "output")),
    (CommonStateField, "_eval_state_input", scopes.keeping_entered_time(CommonStateField._eval_state_input)),  # noqa: SLF001
    (Program, "_eval_body", scopes.going_on(Program._eval_body)),  # noqa: SLF001
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
    (StepFunctionsParserBackend, "_validate_definition", staticmethod(definitions.check)),
    (AmazonStateLanguageParser, "parse", staticmethod(definitions.parse)),
    (CustomErrorName, "__init__", failures.accept_any_name),
    (state_map, "MapRunRecord", map_runs.MapRun),
    (IterationWorker, "_eval_pool", maps.work_off),
    (VariableStore, "get_assigned_variables", queries.assigned_variables),
    (json_path, "parse", paths.parse),
    (result_path, "parse", paths.parse_reference),
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
    filters.OPERATOR_MAP["=~"] = paths.matches
    _name_errors()


def _name_errors() -> None:
    # The interpreter's errors have no type, and would reach the client without one.
    for error in vars(api).values():
        if isinstance(error, type) and issubclass(error, AWSError) and error is not AWSError:
            error.TYPE = error.__name__
