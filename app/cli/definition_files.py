"""Files that hold a workflow definition, or only its state machine, in JSON or YAML."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from app import errors, models
from app.cli.inputs import read_text
from app.client.requests import valid
from app.states_language import validate
from app.states_language.source import Source, load

ANSWERED_FIELDS: Final = frozenset({"id", "createdAt", "version"})
"""What `definitions get` writes and the service chooses; dropped, so that its output can be put again."""

MACHINE_FIELD: Final = "stateMachine"
YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})
SUFFIXES: Final = YAML_SUFFIXES | {".json"}


class Problem(NamedTuple):
    """A finding, and where it is in a file."""

    path: str
    line: int
    finding: errors.Finding

    def __str__(self) -> str:
        """Write it as compilers do."""
        return f"{self.path}:{self.line}: {self.finding.pointer or '/'}: {self.finding.message}"


class DefinitionFile:
    """A file, read once; ``-`` is standard input. Raises ``InvalidRequest`` when it cannot be read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._source = _read(path)

    def problems(self) -> list[Problem]:
        """Return all that is wrong with the state machine, from the top down."""
        findings = [*self._source.findings, *(self._judge() if self._source.readable else ())]
        return sorted(map(self._problem, findings), key=lambda problem: problem.line)

    def problem(self, finding: errors.Finding) -> Problem:
        """Find the place of something that is wrong with the definition; the file may hold its machine alone."""
        if self._is_machine:
            finding = finding._replace(pointer=finding.pointer.removeprefix(f"/{MACHINE_FIELD}"))
        return self._problem(finding)

    def definition(
        self, *, name: str | None = None, tags: models.Tags | None = None, unnamed: str | None = None
    ) -> models.NewWorkflowDefinitionRequest:
        """Return the definition.

        ``name`` and ``tags`` win over those in the file, and ``unnamed`` is the name where there is none. Raises
        ``InvalidRequest`` with a sentence that names the file.
        """
        if self._source.findings:
            raise errors.InvalidRequest(str(self._problem(self._source.findings[0])))
        document = self._source.machine
        if not isinstance(document, dict):
            raise errors.InvalidRequest(f"{self.path} must hold an object: a definition or a state machine.")
        fields = {MACHINE_FIELD: document} if self._is_machine else _without_answered(document)
        chosen = name or fields.get("name") or unnamed
        if chosen is None:
            raise errors.InvalidRequest(f"{self.path} names no definition: give a name before the file.")
        if tags:
            fields["defaultTags"] = _merged(fields.get("defaultTags"), tags)
        return valid(models.NewWorkflowDefinitionRequest, **{**fields, "name": chosen})

    @property
    def _is_machine(self) -> bool:
        document = self._source.machine
        return isinstance(document, dict) and MACHINE_FIELD not in document

    def _judge(self) -> list[errors.Finding]:
        document = self._source.machine
        if not isinstance(document, dict) or self._is_machine:
            return validate(document)
        found = validate(document[MACHINE_FIELD])
        return [errors.Finding(f"/{MACHINE_FIELD}{finding.pointer}", finding.message) for finding in found]

    def _problem(self, finding: errors.Finding) -> Problem:
        return Problem(self.path, self._source.line(finding.pointer), finding)


def open_files(paths: Iterable[str]) -> list[DefinitionFile]:
    """Read the files among paths, and all with a telling name in the folders among them; none is an error."""
    found = sorted(set(_files(paths)))
    if not found:
        raise errors.InvalidRequest("There is no definition there: no file in JSON or YAML.")
    return [DefinitionFile(path) for path in found]


def _files(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        for found in Path(path).rglob("*"):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix.lower() in SUFFIXES and found.is_file() and not hidden:
                yield str(found)


def _read(path: str) -> Source:
    """Read a file as its name tells; text without a telling name is JSON when it starts like an object."""
    text = read_text(path)
    suffix = Path(path).suffix.lower()
    is_yaml = suffix in YAML_SUFFIXES or (suffix != ".json" and not text.lstrip().startswith("{"))
    return load(text, format="yaml" if is_yaml else "json")


def _without_answered(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ANSWERED_FIELDS}


def _merged(tags: Any, more: models.Tags) -> Any:
    """Add tags to those of the file; what is no object is left for the model to refuse."""
    return {**tags, **more} if isinstance(tags, dict) else tags or more
