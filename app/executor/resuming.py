"""What a resumed run begins with: the input and the variables of a state of an earlier run, and what that was given."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.executor import inputs
from workflow_manager import errors, states_language
from workflow_manager.models import Job, Workflow


class Beginning(NamedTuple):
    """What a state of a run had when it was entered last."""

    input: str
    variables: str | None
    """Text of a JSON object; None when nothing needs to be restored before the state."""
    execution_input: str | None
    """What its states find as the input of the execution, where they look for it."""


def beginning(workflow: Workflow, jobs: Sequence[Job], *, machine: Mapping[str, Any], first: Workflow) -> Beginning:
    """Return what the first state of ``machine`` had in an earlier run.

    ``first`` is the run that the whole line of resumes began with. Raises ``UnknownState`` when the earlier run never
    entered the state.
    """
    state = machine["StartAt"]
    outermost = [job for job in jobs if job.parent is None]
    entries = [place for place, job in enumerate(outermost) if job.state == state and job.input is not None]
    if not entries:
        raise errors.UnknownState(f"workflow {workflow.id} never entered the state {state!r}")
    text = inputs.without_name(outermost[entries[-1]].input or "")
    variables = _variables(workflow, outermost[: entries[-1]])
    execution_input = _execution_input(machine, text, first)
    if not variables and execution_input is None:
        return Beginning(text, None, None)
    members = (f"{json.dumps(name)}:{value}" for name, value in sorted(variables.items()))
    return Beginning(text, f"{{{','.join(members)}}}", execution_input)


def left_out(workflow: Workflow) -> bool:
    """Tell whether payloads of the outermost jobs are kept by Step Functions alone."""
    return any(job.payloads_left_out for job in workflow.jobs if job.parent is None)


def whole(workflow: Workflow) -> bool:
    """Tell whether the jobs that are stored have every input, and every variable that the run assigned."""
    return not left_out(workflow) and _remember_variables(workflow)


def _remember_variables(workflow: Workflow) -> bool:
    states = workflow.workflow_definition.state_machine["States"].values()
    return not any("Assign" in json.dumps(state) for state in states) or any(
        job.assigned_variables for job in workflow.jobs
    )


def _variables(workflow: Workflow, jobs: Sequence[Job]) -> Mapping[str, str]:
    """Return the variables of a run after some of its outermost jobs; those of inner scopes are not seen outside."""
    begun_with = json.loads(workflow.variables or "{}")
    variables = {name: json.dumps(value, ensure_ascii=False) for name, value in begun_with.items()}
    for job in jobs:
        variables |= {name: _as_json(value) for name, value in (job.assigned_variables or {}).items()}
    return variables


def _as_json(value: str) -> str:
    try:
        json.loads(value)
    except ValueError:
        # Some stand-ins for AWS put a text between quotes without escaping those inside it.
        return json.dumps(value.removeprefix('"').removesuffix('"'), ensure_ascii=False)
    return value


def _execution_input(machine: Mapping[str, Any], text: str, first: Workflow) -> str | None:
    """Return what the run that everything began with was given, unless no state looks for it or it is the same."""
    if not states_language.reads_execution_input(machine):
        return None
    given = first.execution_input or first.input
    return given if inputs.without_name(given) != text else None
