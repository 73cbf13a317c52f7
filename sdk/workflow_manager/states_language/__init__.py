"""The Amazon States Language: reading, judging, expanding and cutting state machines. Pure functions on parsed JSON."""

from workflow_manager.states_language.advice import advise
from workflow_manager.states_language.document import MAX_BYTES, MAX_DEPTH, is_heavy
from workflow_manager.states_language.expansion import EXECUTION_NAME, expand, resource_names
from workflow_manager.states_language.model import Scope, State, find, scopes, walk
from workflow_manager.states_language.names import activity_arn, lambda_arn, partition, state_machine_name
from workflow_manager.states_language.pruning import RESTORED, prune, reads_execution_input, restoring, restoring_state
from workflow_manager.states_language.validation import check, validate, validate_template

__all__ = [
    "EXECUTION_NAME",
    "MAX_BYTES",
    "MAX_DEPTH",
    "RESTORED",
    "Scope",
    "State",
    "activity_arn",
    "advise",
    "check",
    "expand",
    "find",
    "is_heavy",
    "lambda_arn",
    "partition",
    "prune",
    "reads_execution_input",
    "resource_names",
    "restoring",
    "restoring_state",
    "scopes",
    "state_machine_name",
    "validate",
    "validate_template",
    "walk",
]
