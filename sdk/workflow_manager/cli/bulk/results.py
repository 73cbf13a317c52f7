"""Results of an action on workflows: shown one by one, and counted."""

from enum import StrEnum
from typing import Final

from workflow_manager import models
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.output.console import counted, write_line
from workflow_manager.cli.output.escaping import escape
from workflow_manager.cli.output.formats import write_documents, write_results
from workflow_manager.cli.output.progress import Progress
from workflow_manager.cli.output.table_layout import Column, Columns


class Result(StrEnum):
    """The kind of result for one workflow."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class ActionResult(models.Response):
    """The result for one workflow."""

    id: str
    result: Result
    message: str


RESULT_COLUMNS: Final[Columns[ActionResult]] = {
    "id": Column(lambda outcome: outcome.id),
    "result": Column(lambda outcome: outcome.result.value),
    "message": Column(lambda outcome: outcome.message),
}


class Summary:
    """Shows results and counts them."""

    def __init__(self, output: Format) -> None:
        self._output = output
        self._outcomes: list[ActionResult] = []

    def add(self, outcome: ActionResult, progress: Progress) -> None:
        """Show a result, or keep it for the document at the end."""
        self._outcomes.append(outcome)
        if self._output in {Format.TABLE, Format.WIDE}:
            write_line(escape(f"{outcome.id}  {outcome.result.value:<7}  {outcome.message}"))
        elif self._output is Format.JSONL:
            write_documents([outcome], output=self._output)
        progress(failed=outcome.result is not Result.DONE)

    def finish(self) -> None:
        """Write the formats that are one document."""
        if self._output in {Format.JSON, Format.YAML, Format.CSV}:
            write_results(self._outcomes, RESULT_COLUMNS, output=self._output)

    def words(self, number: int, done_word: str) -> str:
        """Return the counts as a sentence."""
        of = {result: sum(outcome.result is result for outcome in self._outcomes) for result in Result}
        others = [f"{count} {result.value}" for result, count in of.items() if count and result is not Result.DONE]
        return ", ".join([f"{of[Result.DONE]} of {counted(number, 'workflow')} {done_word}", *others]) + "."
