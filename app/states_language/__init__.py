"""The Amazon States Language: reading, judging, expanding and cutting state machines. Pure functions on parsed JSON."""

from app.states_language.document import MAX_BYTES, MAX_DEPTH
from app.states_language.expansion import EXECUTION_NAME, expand, resource_names
from app.states_language.model import Scope, State, find, scopes, walk
from app.states_language.names import activity_arn, lambda_arn, partition, state_machine_name
from app.states_language.pruning import prune
from app.states_language.validation import check, validate

__all__ = [
    "EXECUTION_NAME",
    "MAX_BYTES",
    "MAX_DEPTH",
    "Scope",
    "State",
    "activity_arn",
    "check",
    "expand",
    "find",
    "lambda_arn",
    "partition",
    "prune",
    "resource_names",
    "scopes",
    "state_machine_name",
    "validate",
    "walk",
]
