"""From the text of a definition to the program that moto's interpreter runs.

moto's own parser keeps what it began with for the next definition, knows strings only as they are written, and lacks
fields; this one reads the JSON and makes the same components.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from antlr4 import RecognitionException
from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.catch.catch_decl import CatchDecl
from moto.stepfunctions.parser.asl.component.common.catch.catcher_decl import CatcherDecl
from moto.stepfunctions.parser.asl.component.common.comment import Comment
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.flow.end import End
from moto.stepfunctions.parser.asl.component.common.flow.next import Next
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.common.outputdecl import Output
from moto.stepfunctions.parser.asl.component.common.parargs import Parameters
from moto.stepfunctions.parser.asl.component.common.path.input_path import InputPath
from moto.stepfunctions.parser.asl.component.common.path.items_path import ItemsPath
from moto.stepfunctions.parser.asl.component.common.path.output_path import OutputPath
from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguage, QueryLanguageMode
from moto.stepfunctions.parser.asl.component.common.result_selector import ResultSelector
from moto.stepfunctions.parser.asl.component.common.retry.backoff_rate_decl import BackoffRateDecl
from moto.stepfunctions.parser.asl.component.common.retry.interval_seconds_decl import IntervalSecondsDecl
from moto.stepfunctions.parser.asl.component.common.retry.jitter_strategy_decl import (
    JitterStrategy,
    JitterStrategyDecl,
)
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsDecl
from moto.stepfunctions.parser.asl.component.common.retry.max_delay_seconds_decl import MaxDelaySecondsDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retry_decl import RetryDecl
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import (
    HeartbeatSeconds,
    HeartbeatSecondsJSONata,
    HeartbeatSecondsPath,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import (
    TimeoutSeconds,
    TimeoutSecondsJSONata,
    TimeoutSecondsPath,
)
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.program.states import States
from moto.stepfunctions.parser.asl.component.state.choice.choice_rule import ChoiceRule
from moto.stepfunctions.parser.asl.component.state.choice.choices_decl import ChoicesDecl
from moto.stepfunctions.parser.asl.component.state.choice.default_decl import DefaultDecl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import BranchesDecl
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import StateParallel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import Credentials, StateCredentials
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported import (
    StateTaskServiceUnsupported,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_factory import state_task_for
from moto.stepfunctions.parser.asl.component.state.fail.cause_decl import Cause, CausePath
from moto.stepfunctions.parser.asl.component.state.fail.error_decl import Error, ErrorPath
from moto.stepfunctions.parser.asl.component.state.fail.state_fail import StateFail
from moto.stepfunctions.parser.asl.component.state.state_pass.result import Result
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.parser.asl.component.state.state_props import StateProps
from moto.stepfunctions.parser.asl.component.state.state_succeed.state_succeed import StateSucceed
from moto.stepfunctions.parser.asl.component.state.state_type import StateType
from moto.stepfunctions.parser.asl.component.state.wait.state_wait import StateWait
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import Seconds, SecondsJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds_path import SecondsPath
from moto.stepfunctions.parser.asl.eval.environment import Environment

from workflow_manager.local.language import choices, queries
from workflow_manager.local.language.failures import failure
from workflow_manager.local.language.map_states import map_state

CACHED_PROGRAMS: Final = 64
"""Definitions whose program is kept: a program has no state of its own, and every run begins with one."""

NEVER_CAUGHT: Final = frozenset({"States.Runtime", "States.DataLimitExceeded"})
"""Errors that States.ALL does not stand for (AWS: Handling errors in Step Functions workflows)."""


class InvalidDefinitionError(ValueError):
    """A definition cannot be run."""


class Errors(ErrorEqualsDecl):
    """The error names of a Retry or Catch."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(error_names=[])
        self._names = frozenset(names)

    def _eval_body(self, env: Environment) -> None:
        error = env.stack.pop()
        name = error.error_name if error else None
        matches = name in self._names
        matches |= "States.ALL" in self._names and name not in NEVER_CAUGHT
        matches |= "States.TaskFailed" in self._names and name not in NEVER_CAUGHT | {"States.Timeout"}
        env.stack.append(matches)


class OpenCredentials(Credentials):
    """Credentials of any form. There is one user here, so that they are evaluated and make no difference."""

    def __init__(self, template: queries.Template) -> None:
        self._template = template

    def _eval_body(self, env: Environment) -> None:
        queries.evaluated(self._template, env)
        env.stack.append(StateCredentials(role_arn=env.aws_execution_details.role_arn))


class Branch:
    """A branch of a Parallel, as the interpreter runs it: its program, on a path of its own."""

    def __init__(self, number: int, program: Program) -> None:
        self._number = number
        self._program = program

    def eval(self, env: Any) -> None:
        """Run the branch."""
        env.take_path(self._number)
        self._program.eval(env)


@functools.lru_cache(maxsize=CACHED_PROGRAMS)
def compile_text(definition: str) -> Program:
    """Make the program of a definition; raises ``InvalidDefinitionError``."""
    try:
        machine = json.loads(definition)
    except (ValueError, RecursionError) as error:
        raise InvalidDefinitionError(f"The definition is not JSON: {error}") from error
    if not isinstance(machine, dict):
        raise InvalidDefinitionError("The definition is not a JSON object")
    try:
        return program(machine, is_jsonata=machine.get("QueryLanguage") == "JSONata")
    except RecursionError as error:
        raise InvalidDefinitionError("The definition is nested too deeply") from error


def program(machine: Mapping[str, Any], *, is_jsonata: bool) -> Program:
    """Make the program of a machine, a branch or an iteration."""
    timeout = machine.get("TimeoutSeconds")
    return Program(
        query_language=language(is_jsonata),
        start_at=StartAt(start_at_name=_required(machine, "StartAt")),
        states=states(machine, is_jsonata=is_jsonata),
        timeout_seconds=TimeoutSeconds(timeout_seconds=timeout) if timeout is not None else None,
    )


def states(machine: Mapping[str, Any], *, is_jsonata: bool) -> States:
    """Make the states of a machine, a branch or an iteration."""
    made: States = States()  # type: ignore[no-untyped-call]
    members = _required(machine, "States")
    if not isinstance(members, dict):
        raise InvalidDefinitionError("States is not a JSON object")
    for name, body in members.items():
        try:
            made.states[name] = CompiledState(name, body, is_jsonata=is_jsonata).component()
        except InvalidDefinitionError:
            raise
        except Exception as error:
            # Whatever a component says of the value it was given is what is wrong with the definition.
            raise InvalidDefinitionError(f"State '{name}': {error}") from error
    return made


def language(is_jsonata: bool) -> QueryLanguage:
    """Return the component of a query language."""
    return QueryLanguage(QueryLanguageMode.JSONata if is_jsonata else QueryLanguageMode.JSONPath)


def _required(body: Mapping[str, Any], field: str) -> Any:
    if body.get(field) is None:
        raise InvalidDefinitionError(f"{field} is missing")
    return body[field]


class CompiledState:
    """Makes the component of one state."""

    def __init__(self, name: str, body: dict[str, Any], *, is_jsonata: bool) -> None:
        self.name = name
        # Null is absent, but for paths, where it has a meaning.
        self.body = {field: value for field, value in body.items() if value is not None or field in NULL_PATHS}
        self.is_jsonata: bool = self.body.get("QueryLanguage", "JSONata" if is_jsonata else "JSONPath") == "JSONata"
        self.props: Any = StateProps()  # type: ignore[no-untyped-call]
        self.props.name = name

    @property
    def language(self) -> QueryLanguage:
        """The component of the query language that the state has."""
        return language(self.is_jsonata)

    @staticmethod
    def required(body: Mapping[str, Any], field: str) -> Any:
        """Return a field that must be there."""
        return _required(body, field)

    def component(self) -> Any:
        """Return the state."""
        kind = _required(self.body, "Type")
        if kind not in KINDS:
            raise InvalidDefinitionError(f"State '{self.name}' has no known Type: {kind!r}")
        self.props.add(StateType[kind])
        self.props.add(self.language)
        for field, make in FIELDS.items():
            if field in self.body and (field not in ONLY_IN or kind in ONLY_IN[field]):
                self.add(make(self, self.body[field]))
        made = KINDS[kind](self)
        made.from_state_props(self.props)
        return made

    def add(self, component: Any) -> None:
        """Take a component, under the type that the state asks for."""
        kind = next((kind for kind in (AssignDecl, Credentials, ItemReader) if isinstance(component, kind)), None)
        if kind is None:
            self.props.add(component)
        else:
            self.props._add(kind, component)  # noqa: SLF001

    def template(self, value: Any, field: str) -> queries.Template:
        """Return the component of JSON with computed values."""
        return queries.Template(value, field, is_jsonata=self.is_jsonata)

    def text(self, value: str, field: str) -> Any:
        """Return the component of text."""
        return queries.text(value, field, jsonata_allowed=self.is_jsonata)

    def nested(self, machine: Mapping[str, Any]) -> Program:
        """Return the program of a branch."""
        return program(machine, is_jsonata=self.is_jsonata)

    def nested_states(self, machine: Mapping[str, Any]) -> States:
        """Return the states of the iterations of a Map."""
        return states(machine, is_jsonata=self.is_jsonata)

    def number(self, field: str, plain: Callable[[Any], Any], jsonata: Callable[..., Any]) -> Any:
        """Return the component of a number, which JSONata may compute."""
        value = self.body[field]
        if queries.is_query(value):
            return jsonata(string_jsonata=queries.query(value, field))
        return plain(_number(value, field))


def _number(value: Any, field: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidDefinitionError(f"{field} is not a whole number")
    return value


def _retry(state: CompiledState, retriers: list[dict[str, Any]]) -> RetryDecl:
    return RetryDecl(retriers=[_retrier(retrier) for retrier in retriers]) if retriers else None  # type: ignore[return-value]


def _retrier(body: dict[str, Any]) -> RetrierDecl:
    def given(field: str, make: Callable[[Any], Any]) -> Any:
        return make(body[field]) if body.get(field) is not None else None

    return RetrierDecl(
        error_equals=Errors(body["ErrorEquals"]),
        interval_seconds=given("IntervalSeconds", lambda seconds: IntervalSecondsDecl(seconds=seconds or 1)),
        max_attempts=given("MaxAttempts", lambda attempts: MaxAttemptsDecl(attempts=_number(attempts, "MaxAttempts"))),
        backoff_rate=given("BackoffRate", lambda rate: BackoffRateDecl(rate=float(rate))),
        max_delay_seconds=given("MaxDelaySeconds", lambda seconds: MaxDelaySecondsDecl(max_delays_seconds=seconds)),
        jitter_strategy=given("JitterStrategy", lambda name: JitterStrategyDecl(jitter_strategy=JitterStrategy[name])),
    )


def _catch(state: CompiledState, catchers: list[dict[str, Any]]) -> CatchDecl | None:
    return CatchDecl(catchers=[_catcher(state, catcher) for catcher in catchers]) if catchers else None


def _catcher(state: CompiledState, body: dict[str, Any]) -> CatcherDecl:
    return CatcherDecl(
        error_equals=Errors(body["ErrorEquals"]),
        next_decl=Next(name=_required(body, "Next")),
        result_path=None if state.is_jsonata else ResultPath(result_path_src=body.get("ResultPath", "$")),
        assign=_assign(state, body["Assign"]) if "Assign" in body else None,
        output=_output(state, body["Output"]) if "Output" in body else None,
        comment=None,
    )


def _assign(state: CompiledState, value: Any) -> queries.Assign:
    return queries.Assign(state.template(value, "Assign"))


def _output(state: CompiledState, value: Any) -> Output:
    return Output(jsonata_template_value=state.template(value, "Output"))  # type: ignore[arg-type]


def _choices(state: CompiledState, rules: list[dict[str, Any]]) -> ChoicesDecl:
    return ChoicesDecl(rules=[_rule(state, rule) for rule in rules])


def _rule(state: CompiledState, rule: dict[str, Any]) -> ChoiceRule:
    return ChoiceRule(
        comparison=choices.condition(rule["Condition"]) if state.is_jsonata else choices.data_test(rule),
        next_stmt=Next(name=_required(rule, "Next")),
        comment=None,
        assign=_assign(state, rule["Assign"]) if "Assign" in rule else None,
        output=_output(state, rule["Output"]) if state.is_jsonata and "Output" in rule else None,
    )


def _branches(state: CompiledState, branches: list[dict[str, Any]]) -> BranchesDecl:
    programs: Any = [Branch(number, state.nested(branch)) for number, branch in enumerate(branches)]
    return BranchesDecl(programs=programs)


def _path(kind: Callable[..., Any], argument: str = "string_sampler") -> Callable[[CompiledState, Any], Any]:
    return lambda _state, value: kind(**{argument: None if value is None else queries.path(value)})


def _resource(_state: CompiledState, value: str) -> Resource:
    resource = Resource.from_resource_arn(value)
    if resource is None:
        raise InvalidDefinitionError(f"The embedded AWS cannot run the resource '{value}'")
    return resource


NULL_PATHS: Final = frozenset({"InputPath", "OutputPath", "ResultPath", "Result"})

ONLY_IN: Final = {
    "Parameters": {"Task", "Pass", "Parallel", "Map"},
    "Result": {"Pass"},
    "Resource": {"Task"},
    "TimeoutSeconds": {"Task"},
    "HeartbeatSeconds": {"Task"},
    "Branches": {"Parallel"},
    "Choices": {"Choice"},
    "Retry": {"Task", "Parallel", "Map"},
    "Catch": {"Task", "Parallel", "Map"},
    "ResultSelector": {"Task", "Parallel", "Map"},
    "Next": {"Task", "Pass", "Wait", "Parallel", "Map"},
    "End": {"Task", "Pass", "Wait", "Parallel", "Map"},
}
"""States that a field is read in; in others null or empty values of it may stand and mean nothing."""

FIELDS: Final[dict[str, Callable[[CompiledState, Any], Any]]] = {
    "Comment": lambda _state, value: Comment(comment=value),
    "Next": lambda _state, value: Next(name=value),
    "End": lambda _state, value: End(is_end=True) if value else None,
    "InputPath": _path(InputPath),
    "OutputPath": _path(OutputPath),
    "ResultPath": lambda _state, value: ResultPath(result_path_src=value),
    "Result": lambda _state, value: Result(result_obj=value),
    "Parameters": lambda state, value: Parameters(payload_tmpl=state.template(value, "Parameters")),  # type: ignore[arg-type]
    "Arguments": lambda state, value: Parameters(payload_tmpl=state.template(value, "Arguments")),  # type: ignore[arg-type]
    "ResultSelector": lambda state, value: ResultSelector(payload_tmpl=state.template(value, "ResultSelector")),  # type: ignore[arg-type]
    "Assign": _assign,
    "Output": lambda state, value: _output(state, value) if state.is_jsonata else None,
    "Resource": _resource,
    "Credentials": lambda state, value: OpenCredentials(state.template(value, "Credentials")),
    "TimeoutSeconds": lambda state, _value: state.number(
        "TimeoutSeconds", lambda number: TimeoutSeconds(timeout_seconds=number), TimeoutSecondsJSONata
    ),
    "TimeoutSecondsPath": _path(TimeoutSecondsPath),
    "HeartbeatSeconds": lambda state, _value: state.number(
        "HeartbeatSeconds", lambda number: HeartbeatSeconds(heartbeat_seconds=number), HeartbeatSecondsJSONata
    ),
    "HeartbeatSecondsPath": _path(HeartbeatSecondsPath),
    "Retry": _retry,
    "Catch": _catch,
    "Choices": _choices,
    "Default": lambda _state, value: DefaultDecl(state_name=value),
    "Branches": _branches,
    "Seconds": lambda state, _value: state.number("Seconds", lambda number: Seconds(seconds=number), SecondsJSONata),
    "SecondsPath": _path(SecondsPath),
    "Timestamp": lambda state, value: queries.Until(state.text(value, "Timestamp")),
    "TimestampPath": lambda _state, value: queries.Until(queries.path(value)),
    "Error": lambda state, value: Error(string_expression=state.text(value, "Error")),
    "ErrorPath": _path(ErrorPath, "string_expression"),
    "Cause": lambda state, value: Cause(string_expression=state.text(value, "Cause")),
    "CausePath": _path(CausePath, "string_expression"),
    "ItemsPath": _path(ItemsPath),
}
"""How each field of a state is compiled. Other fields have no effect on a run."""


class UnknownService(StateTaskServiceUnsupported):
    """A task of a service that is not there; AWS may well have it, so that it fails only when it is reached."""

    def _eval_execution(self, env: Environment) -> None:
        cause = f"The embedded AWS cannot call '{self.resource.resource_arn}'."
        raise failure(env, "States.Runtime", cause)


def _task(state: CompiledState) -> Any:
    _required(state.body, "Resource")
    try:
        return state_task_for(state.props.get(Resource))
    except RecognitionException:
        return UnknownService()  # type: ignore[no-untyped-call]


def _made(kind: Callable[[], Any]) -> Callable[[CompiledState], Any]:
    return lambda _state: kind()


KINDS: Final[dict[str, Callable[[CompiledState], Any]]] = {
    "Task": _task,
    "Pass": _made(StatePass),
    "Choice": _made(choices.Choice),
    "Fail": _made(StateFail),
    "Succeed": _made(StateSucceed),
    "Wait": _made(StateWait),
    "Parallel": _made(StateParallel),
    "Map": map_state,
}
"""What makes a state of each type."""
