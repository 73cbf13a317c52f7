"""What came of doing something to workflows: shown one by one, and counted."""

from enum import StrEnum
from typing import Final

from app import models
from app.cli.layout import Column, Columns
from app.cli.lines import write_line
from app.cli.options import Format
from app.cli.output import write_documents, write_results
from app.cli.progress import Progress
from app.cli.text import visible
from app.cli.words import counted


class Result(StrEnum):
    """How it went with one workflow."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Outcome(models.Response):
    """What came of it for one workflow."""

    id: str
    result: Result
    message: str


OUTCOME_COLUMNS: Final[Columns[Outcome]] = {
    "id": Column(lambda outcome: outcome.id),
    "result": Column(lambda outcome: outcome.result.value),
    "message": Column(lambda outcome: outcome.message),
}


class Tally:
    """Shows outcomes and counts them."""

    def __init__(self, output: Format) -> None:
        self._output = output
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome, progress: Progress) -> None:
        """Show one, or keep it for the document at the end."""
        self._outcomes.append(outcome)
        if self._output in {Format.TABLE, Format.WIDE}:
            write_line(visible(f"{outcome.id}  {outcome.result.value:<7}  {outcome.message}"))
        elif self._output is Format.JSONL:
            write_documents([outcome], output=self._output)
        progress(failed=outcome.result is not Result.DONE)

    def finish(self) -> None:
        """Write what is one document."""
        if self._output in {Format.JSON, Format.YAML, Format.CSV}:
            write_results(self._outcomes, OUTCOME_COLUMNS, output=self._output)

    def words(self, number: int, done_word: str) -> str:
        """Say how many are done, and how many are not."""
        of = {result: sum(outcome.result is result for outcome in self._outcomes) for result in Result}
        others = [f"{count} {result.value}" for result, count in of.items() if count and result is not Result.DONE]
        return ", ".join([f"{of[Result.DONE]} of {counted(number, 'workflow')} {done_word}", *others]) + "."
