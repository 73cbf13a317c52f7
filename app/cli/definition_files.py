"""Files that hold a workflow definition, or only its state machine, in JSON or YAML."""

from pathlib import Path
from typing import Any, NamedTuple

from app import errors, models
from app.cli.inputs import make, read_text
from app.states_language import validate
from app.states_language.source import Source, load

ANSWERED_FIELDS = frozenset({"id", "createdAt", "version"})
"""What `definitions get` writes and the service chooses; dropped, so that its output can be put again."""

MACHINE_FIELD = "stateMachine"
YAML_SUFFIXES = frozenset({".yaml", ".yml"})


class Problem(NamedTuple):
    """A finding, and where it is in a file."""

    path: str
    line: int
    finding: errors.Finding

    def __str__(self) -> str:
        """Write it as compilers do."""
        return f"{self.path}:{self.line}: {self.finding.pointer or '/'}: {self.finding.message}"


def read_definition(path: str, *, name: str | None, tags: models.Tags) -> models.NewWorkflowDefinitionRequest:
    """Read a definition from a file, or from standard input for ``-``.

    ``name`` and ``tags`` win over those in the file. Raises ``InvalidRequest`` with a sentence that names the file.
    """
    source = _read(path)
    if source.findings:
        raise errors.InvalidRequest(str(_problem(path, source, source.findings[0])))
    document = source.machine
    if not isinstance(document, dict):
        raise errors.InvalidRequest(f"{path} must hold an object: a definition or a state machine.")
    fields = {key: value for key, value in document.items() if key not in ANSWERED_FIELDS}
    if MACHINE_FIELD not in document:
        fields = {MACHINE_FIELD: document}
    if name is not None:
        fields["name"] = name
    if "name" not in fields:
        raise errors.InvalidRequest(f"{path} names no definition: give a name before the file.")
    if tags:
        fields["defaultTags"] = _merged(fields.get("defaultTags"), tags)
    return make(models.NewWorkflowDefinitionRequest, **fields)


def find_problems(path: str) -> list[Problem]:
    """Return all that is wrong with the state machine in a file, from the top down."""
    source = _read(path)
    findings = [*source.findings, *(_judge(source.machine) if source.readable else ())]
    return sorted((_problem(path, source, finding) for finding in findings), key=lambda problem: problem.line)


def _judge(document: object) -> list[errors.Finding]:
    if not isinstance(document, dict) or MACHINE_FIELD not in document:
        return validate(document)
    found = validate(document[MACHINE_FIELD])
    return [errors.Finding(f"/{MACHINE_FIELD}{finding.pointer}", finding.message) for finding in found]


def _read(path: str) -> Source:
    """Read a file as its name tells; text without a telling name is JSON when it starts like an object."""
    text = read_text(path)
    suffix = Path(path).suffix.lower()
    is_yaml = suffix in YAML_SUFFIXES or (suffix != ".json" and not text.lstrip().startswith("{"))
    return load(text, format="yaml" if is_yaml else "json")


def _problem(path: str, source: Source, finding: errors.Finding) -> Problem:
    return Problem(path, source.line(finding.pointer), finding)


def _merged(tags: Any, more: models.Tags) -> Any:
    """Add tags to those of the file; what is no object is left for the model to refuse."""
    return {**tags, **more} if isinstance(tags, dict) else tags or more
