"""JSON and YAML files with workflow definitions, or with only a state machine."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import pydantic

from workflow_manager import errors, models
from workflow_manager.cli.options.workflow_input import read_text
from workflow_manager.client.request_parts import valid
from workflow_manager.states_language import advise, validate_template
from workflow_manager.states_language.source.source import Source, load

ANSWERED_FIELDS: Final = frozenset({"id", "createdAt", "version"})
"""Fields in the output of `definitions get` that the service sets; dropped, so that it can be put again."""

MACHINE_FIELD: Final = "stateMachine"
YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})
SUFFIXES: Final = YAML_SUFFIXES | {".json"}
NAMELESS: Final = "The definition has no name; for a file with only a state machine, use `definitions put NAME FILE`."


class FileProblem(NamedTuple):
    """A finding with its place in a file."""

    path: str
    line: int
    finding: errors.Finding

    def __str__(self) -> str:
        """Return ``file:line: pointer: message``, as compilers do."""
        warning = "" if self.finding.is_error else "warning: "
        return f"{self.path}:{self.line}: {self.finding.pointer or '/'}: {warning}{self.finding.message}"


class DefinitionEntry:
    """A definition in a file, or only a state machine; ``place`` is its JSON pointer."""

    def __init__(
        self, path: str, source: Source, *, place: str, document: object, substitutions: Mapping[str, str]
    ) -> None:
        self.path = path
        self._source = source
        self._place = place
        self._document = document
        self._substitutions = substitutions

    @property
    def name(self) -> str | None:
        """The name in the file; None without one."""
        found = self._document.get("name") if isinstance(self._document, dict) and not self._is_machine else None
        return found if isinstance(found, str) else None

    def problems(self, *, named: bool, unresolved: errors.Severity) -> list[FileProblem]:
        """Return all problems; ``named`` refuses a state machine without a name.

        ``unresolved`` is the severity of a placeholder without a value.
        """
        nameless = [errors.Finding("", NAMELESS)] if named and self._is_machine else []
        findings = [*self._findings(unresolved), *nameless]
        return [self._problem(finding) for finding in findings]

    def problem(self, finding: errors.Finding) -> FileProblem:
        """Return a finding about the definition with its place in the file."""
        if self._is_machine:
            finding = finding._replace(pointer=finding.pointer.removeprefix(f"/{MACHINE_FIELD}"))
        return self._problem(finding)

    def definition(
        self, *, name: str | None = None, tags: models.Tags | None = None, unnamed: str | None = None
    ) -> models.NewWorkflowDefinitionRequest:
        """Return the definition.

        ``name`` and ``tags`` override those in the file; ``unnamed`` is the name if there is none. Raises
        ``InvalidRequest``, naming the file.
        """
        if not isinstance(self._document, dict):
            raise errors.InvalidRequest(f"{self.path} must contain an object: a definition or a state machine.")
        fields = {MACHINE_FIELD: self._document} if self._is_machine else _without_answered(self._document)
        chosen = name or fields.get("name") or unnamed
        if chosen is None:
            raise errors.InvalidRequest(f"{self.path} has no definition name; give one before the file.")
        if tags:
            fields["defaultTags"] = _merged(fields.get("defaultTags"), tags)
        return valid(models.NewWorkflowDefinitionRequest, **{**fields, "name": chosen})

    @property
    def _is_machine(self) -> bool:
        return isinstance(self._document, dict) and MACHINE_FIELD not in self._document

    def _findings(self, unresolved: errors.Severity) -> Iterator[errors.Finding]:
        if not isinstance(self._document, dict) or self._is_machine:
            yield from self._judged(self._document, unresolved)
            return
        try:
            models.NewWorkflowDefinitionRequest(**_without_answered(self._document))
        except pydantic.ValidationError as error:
            for each in error.errors():
                yield errors.Finding("".join(f"/{part}" for part in each["loc"]), f"{each['msg']}.")
        machine = self._document[MACHINE_FIELD]
        for finding in self._judged(machine, unresolved):
            yield finding.within(f"/{MACHINE_FIELD}")

    def _judged(self, machine: object, unresolved: errors.Severity) -> list[errors.Finding]:
        """Return what is wrong with a machine; advice is for one that is valid."""
        findings = validate_template(machine, self._substitutions, unresolved=unresolved)
        return findings if any(finding.is_error for finding in findings) else [*findings, *advise(machine)]

    def _problem(self, finding: errors.Finding) -> FileProblem:
        pointer = f"{self._place}{finding.pointer}"
        return FileProblem(self.path, self._source.line(pointer), finding._replace(pointer=pointer))


class DefinitionFile:
    """A file, read once; ``-`` is standard input. Raises ``InvalidRequest`` if it cannot be read."""

    def __init__(
        self, path: str, *, in_folder: bool = False, substitutions: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.path = path
        self.in_folder = in_folder
        """Whether it was found in a folder, where every file must hold definitions."""
        self._source = _read(path, substitutions)
        document = self._source.machine
        entries = enumerate(document) if isinstance(document, list) else [(None, document)]
        self.entries = [
            DefinitionEntry(
                path,
                self._source,
                place="" if number is None else f"/{number}",
                document=entry,
                substitutions=substitutions,
            )
            for number, entry in entries
        ]

    def problems(self, *, named: bool, unresolved: errors.Severity = errors.Severity.ERROR) -> list[FileProblem]:
        """Return all problems by line; the parameters are those of an entry."""
        found = [FileProblem(self.path, self._source.line(each.pointer), each) for each in self._source.findings]
        if self._source.readable:
            found += [
                problem for entry in self.entries for problem in entry.problems(named=named, unresolved=unresolved)
            ]
            found += (
                [] if self.entries else [FileProblem(self.path, 1, errors.Finding("", "The file holds no definition."))]
            )
        return sorted(found, key=lambda problem: problem.line)

    def only(self) -> DefinitionEntry:
        """Return the only definition. Raises ``InvalidRequest`` for a file that is not valid, or has several."""
        if self._source.findings:
            finding = self._source.findings[0]
            raise errors.InvalidRequest(str(FileProblem(self.path, self._source.line(finding.pointer), finding)))
        if len(self.entries) == 1:
            return self.entries[0]
        raise errors.InvalidRequest(
            f"{self.path} holds {len(self.entries)} definitions, not one; use `definitions apply` for several."
        )


def open_files(
    paths: Iterable[str], *, substitutions: Mapping[str, str] = MappingProxyType({})
) -> list[DefinitionFile]:
    """Read files, and all JSON and YAML files in folders. Raises ``InvalidRequest`` if there are none."""
    found: dict[str, bool] = {}
    for path, in_folder in _files(paths):
        found[path] = found.get(path, False) or in_folder
    if not found:
        raise errors.InvalidRequest("No definitions found: these folders hold no JSON or YAML files.")
    return [DefinitionFile(path, in_folder=found[path], substitutions=substitutions) for path in sorted(found)]


def find_duplicates(files: Iterable[DefinitionFile]) -> list[FileProblem]:
    """Return a problem for each definition whose name another definition has already."""
    first: dict[str, str] = {}
    found: list[FileProblem] = []
    for entry in (entry for file in files for entry in file.entries if entry.name is not None):
        if entry.name in first:
            finding = errors.Finding("/name", f"{first[entry.name]} and {entry.path} both define {entry.name}.")
            found.append(entry.problem(finding))
        first.setdefault(entry.name or "", entry.path)
    return found


def _files(paths: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield each file, and whether it was found in a folder."""
    for path in paths:
        if not Path(path).is_dir():
            yield path, False
            continue
        for found in Path(path).rglob("*"):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix.lower() in SUFFIXES and found.is_file() and not hidden:
                yield str(found), True


def read_substitutions(path: str | None, given: Sequence[str]) -> dict[str, str]:
    """Return the values of placeholders: from a JSON or YAML file, overridden by NAME=VALUE options."""
    values = {} if path is None else _values(path)
    for text in given:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise errors.InvalidRequest(f"--substitute takes NAME=VALUE, not {text!r}.")
        values[name.strip()] = value
    return values


def _values(path: str) -> dict[str, str]:
    source = _read(path, {})
    document = source.machine
    if source.findings or not isinstance(document, dict):
        raise errors.InvalidRequest(f"{path} must contain a JSON or YAML object of names and values.")
    if any(isinstance(value, dict | list) for value in document.values()):
        raise errors.InvalidRequest(
            f"{path}: a value must be a string, a number or a boolean, not an object or a list."
        )
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()}


def _read(path: str, substitutions: Mapping[str, str]) -> Source:
    """Read a file in the format of its suffix; without a known suffix, text that starts with ``{`` is JSON."""
    text = read_text(path)
    suffix = Path(path).suffix.lower()
    is_yaml = suffix in YAML_SUFFIXES or (suffix != ".json" and not text.lstrip().startswith("{"))
    return load(text, format="yaml" if is_yaml else "json", substitutions=substitutions)


def _without_answered(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ANSWERED_FIELDS}


def _merged(tags: Any, more: models.Tags) -> Any:
    """Add tags to those of the file; anything but an object is left for the model to refuse."""
    return {**tags, **more} if isinstance(tags, dict) else tags or more
