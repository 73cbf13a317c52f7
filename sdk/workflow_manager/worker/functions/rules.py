"""The JSON text that goes into a Python function and comes out of it.

Unlike a command, a function takes and gives any JSON: the items of a Map state are often plain texts or numbers.
"""

from workflow_manager.worker.task_errors import FunctionErrorName, TaskFailed
from workflow_manager.worker.task_json import (
    EXECUTION_NAME,
    MAX_OUTPUT_BYTES,
    Task,
    is_json,
    is_object,
    members,
    output_too_large,
    with_execution_name,
)


class FunctionCodec:
    """The execution is named in the output where it was named in the input and the output is an object."""

    def read(self, text: str, *, token: str) -> Task:
        """Read the input of a function."""
        if not is_json(text):
            raise TaskFailed(FunctionErrorName.INVALID_INPUT, f"task input not valid JSON: '{text}'")
        names = [member.value for member in members(text) if member.key == EXECUTION_NAME] if is_object(text) else []
        name = names[-1] if names and isinstance(names[-1], str) else ""
        return Task(input=text, execution_name=name, token=token)

    def complete(self, output: str, task: Task) -> str:
        """Complete the output of a function; nothing is an empty object where an execution is named."""
        names_execution = task.execution_name and (output == "null" or is_object(output))
        text = with_execution_name(output, task.execution_name) if names_execution else output
        if len(text.encode()) > MAX_OUTPUT_BYTES:
            raise output_too_large(FunctionErrorName.INVALID_OUTPUT)
        return text


def without_execution_name(text: str) -> str:
    """Take the execution name out of JSON text; the text of all that is beside it stays."""
    if not is_object(text):
        return text
    return "{" + ",".join(member.text for member in members(text) if member.key != EXECUTION_NAME) + "}"
