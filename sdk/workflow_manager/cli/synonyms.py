"""Synonyms of commands and options, and advice for words without an equivalent."""

import difflib
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.program import PROGRAM, SERVICE_COMMANDS, to_paste

SAME_PLACE: Final = "{}"
"""Placeholder, in a command to paste, for the arguments that were typed."""


class Hint(Exception):
    """An error with commands to paste instead."""

    def __init__(self, message: str, commands: Sequence[str], *, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.commands = tuple(commands)
        self.code = code


class Advice(NamedTuple):
    """A sentence and commands to paste, instead of running a command."""

    sentence: str
    commands: tuple[str, ...]
    missing: str = ""
    """Shown in place of the arguments if none were typed."""

    def hint(self, arguments: Sequence[str]) -> Hint:
        """Return the error, with the typed arguments in the commands."""
        given = shlex.join(arguments) or self.missing
        commands = [_without_options(each, arguments).replace(SAME_PLACE, given).strip() for each in self.commands]
        return Hint(self.sentence, [to_paste(each) for each in dict.fromkeys(commands)])


Meaning = tuple[str, ...] | Advice
"""The words to read instead, or advice."""

NOUNS: Final[Mapping[str, str]] = {
    "workflow": "workflows",
    "workflows": "workflows",
    "wf": "workflows",
    "runs": "workflows",
    "executions": "workflows",
    "execution": "workflows",
    "definition": "definitions",
    "definitions": "definitions",
    "workflow-definition": "definitions",
    "workflow-definitions": "definitions",
    "queue": "queues",
    "queues": "queues",
    "resource": "resources",
    "resources": "resources",
    "state-resource": "resources",
    "state-resources": "resources",
    "table": "tables",
    "tables": "tables",
    "quota": "quotas",
    "quotas": "quotas",
    "config": "config",
    "configuration": "config",
    "profile": "config",
    "profiles": "config",
}
"""Synonyms of resource names, and their singular."""

LISTED: Final = ("definitions", "queues")
"""Resources that can be listed."""

LISTING: Final = ("ls", "list", "ps", "get", "show", "describe", "status")

VERBS: Final[Mapping[str, Meaning]] = {
    **dict.fromkeys(LISTING, ("workflows",)),
    **dict.fromkeys(["run", "start", "exec"], ("submit",)),
    "create": Advice(
        "Use submit to start a workflow, or definitions put to create a definition:",
        ("submit {}", "definitions put {}"),
        "NAME",
    ),
    "retry": ("resume",),
    "redrive": ("recover", "--mode", "redrive"),
    **dict.fromkeys(
        ["restart", "rerun", "reset", "replay"],
        Advice(
            "A workflow is resumed as a new one, from the state that failed or from any state it entered:",
            ("resume {}", "resume {} --start-at STATE"),
            "ID",
        ),
    ),
    **dict.fromkeys(["stop", "terminate", "kill", "abort"], ("cancel",)),
    **dict.fromkeys(
        ["delete", "rm", "remove"],
        Advice("Workflows cannot be deleted; they expire some time after they end. To stop one:", ("cancel {}",), "ID"),
    ),
    **dict.fromkeys(["watch", "tail", "follow", "events"], ("workflows", "--follow")),
    "history": ("workflows", "--full"),
    **dict.fromkeys(
        ["logs", "log"],
        Advice(
            "Workers log where they run. To see the jobs of a workflow and why they failed:",
            ("workflows {} --full", "workflows {} --follow"),
            "ID",
        ),
    ),
    **dict.fromkeys(
        ["completion", "completions"],
        Advice(
            "To install shell completion, or to print its script:",
            ("--install-completion", "--show-completion"),
        ),
    ),
    **{verb: ("definitions", verb) for verb in ("apply", "lint", "diff", "put")},
    "deploy": ("definitions", "apply"),
    "validate": ("definitions", "lint"),
    **dict.fromkeys(["up", "dev", "server"], Advice("Use serve to start the service:", ("serve --local", "serve"))),
    "ping": ("health",),
    "ack": ("resolve",),
    **dict.fromkeys(
        ["login", "auth", "use", "context"],
        Advice(
            "The configuration file sets the service URL and credentials; to show its path and what applies:",
            ("config show",),
        ),
    ),
}
"""Synonyms of the commands at the root."""

_SETTING: Final = ("create", "add", "set", "update", "edit", "new")
_SHOWING: Final = ("show", "describe", "view")

MEMBERS: Final[Mapping[str, Mapping[str, Meaning]]] = {
    "definitions": {
        "ls": ("list",),
        "versions": ("list",),
        "history": ("list",),
        **dict.fromkeys(_SHOWING, ("get",)),
        **dict.fromkeys(["create", "add", "new", "update", "register"], ("put",)),
        **dict.fromkeys(["validate", "check", "test"], ("lint",)),
        **dict.fromkeys(["deploy", "sync", "push"], ("apply",)),
        "plan": ("diff",),
        "export": Advice("To write a definition to a file:", ("definitions get {} -o yaml",), "NAME"),
        **dict.fromkeys(
            ["delete", "rm", "remove"],
            Advice(
                "Definitions cannot be deleted; a new version replaces the latest:",
                ("definitions put {} FILE",),
                "NAME",
            ),
        ),
    },
    "queues": {
        "ls": ("list",),
        **dict.fromkeys([*_SHOWING, "status"], ("get",)),
        **dict.fromkeys([*_SETTING, "limit"], ("put",)),
        "stop": ("pause",),
        **dict.fromkeys(["start", "unpause", "continue"], ("resume",)),
        **dict.fromkeys(["rm", "remove"], ("delete",)),
    },
    "resources": {
        **dict.fromkeys(_SHOWING, ("get",)),
        **dict.fromkeys(_SETTING, ("put",)),
        **dict.fromkeys(["rm", "remove"], ("delete",)),
        **dict.fromkeys(
            ["list", "ls"],
            Advice("State resources cannot be listed; get one by its name:", ("resources get NAMESPACE NAME",)),
        ),
    },
    "keys": {
        **dict.fromkeys([*_SHOWING, "ls"], ("list",)),
        **dict.fromkeys(["add", "new"], ("create",)),
        **dict.fromkeys(["rm", "remove", "delete"], ("revoke",)),
        **dict.fromkeys(["renew", "replace"], ("rotate",)),
    },
    "tables": {
        **dict.fromkeys(["list", "ls", "show", "get", "status"], ("describe",)),
        **dict.fromkeys(["init", "migrate", "update"], ("create",)),
    },
    "config": {
        **dict.fromkeys(["list", "ls", "get", "view"], ("show",)),
        **dict.fromkeys(["set", "edit", "use"], Advice("Settings are in a file. To show its path:", ("config show",))),
    },
}
"""Synonyms of the commands of a group."""


class OptionSynonym(NamedTuple):
    """Other spellings of an option, or of an option with a fixed value."""

    spellings: tuple[str, ...]
    parameter: str
    value: Any = None
    takes_value: bool = True


OPTIONS: Final = (
    OptionSynonym(("--since", "--after", "--from"), "created_after"),
    OptionSynonym(("--until", "--before", "--to"), "created_before"),
    OptionSynonym(("--format", "--output-format"), "output"),
    *(
        OptionSynonym((f"--{value}",), "output", value, takes_value=False)
        for value in ("json", "jsonl", "yaml", "csv", "wide")
    ),
    OptionSynonym(("-q", "--quiet", "--ids"), "output", "id", takes_value=False),
    OptionSynonym(("-A", "--all-namespaces"), "namespace", None, takes_value=False),
    *(
        OptionSynonym((f"--{status}",), "status", status, takes_value=False)
        for status in ("queued", "running", "succeeded", "failed", "cancelled", "canceled", "active", "pending")
    ),
    OptionSynonym(("-s", "--statuses", "--state"), "status"),
    OptionSynonym(("-l", "--selector", "--label", "--labels", "--tags"), "tag"),
    OptionSynonym(("--definition-name", "--workflow-definition"), "definition"),
    OptionSynonym(("--max", "--count", "--max-items", "--tail"), "limit"),
    OptionSynonym(("-w", "--watch", "--wait"), "follow_it", True, takes_value=False),
    OptionSynonym(("--env", "--environment"), "namespace"),
    OptionSynonym(("-m", "--message"), "reason"),
    OptionSynonym(("--from-state", "--at"), "start_at"),
    OptionSynonym(("--endpoint", "--server", "--host"), "service"),
    OptionSynonym(("--dryrun", "--what-if"), "dry_run", True, takes_value=False),
    OptionSynonym(("--assume-yes",), "yes", True, takes_value=False),
    OptionSynonym(("--column", "--fields"), "columns"),
    OptionSynonym(("--no-limit",), "everything", True, takes_value=False),
)
"""Spellings that options accept besides those in the help, which take precedence."""

OPTION_ADVICE: Final[Mapping[str, Advice]] = {
    **dict.fromkeys(
        ["--sort-by", "--sort", "--order-by", "--order"],
        Advice(
            "Lists are sorted by creation time, newest first unless --oldest-first. To sort by another column:",
            ("workflows --all -o csv --columns duration,id,status | sort",),
        ),
    ),
    **dict.fromkeys(["--verbose", "-v", "-vv"], Advice("To show tracebacks:", ("--debug COMMAND",))),
    "--no-headers": Advice("To print only ids, one per line:", ("workflows -o id",)),
}


def add_spellings(parser: Any, parameters: Sequence[Any]) -> None:
    """Add the other spellings of a command's options to its parser."""
    taken = {spelling for each in parameters for spelling in (*each.opts, *each.secondary_opts)}
    options = {each.name: each for each in parameters if each.param_type_name == "option"}
    for synonym in OPTIONS:
        option = options.get(synonym.parameter)
        spellings = [each for each in synonym.spellings if each not in taken]
        if option is None or not spellings or not _fits(synonym, option):
            continue
        action = ("append" if option.multiple else "store") + ("" if synonym.takes_value else "_const")
        parser.add_option(option, spellings, dest=option.name, action=action, const=synonym.value)
        taken.update(spellings)


def _fits(synonym: OptionSynonym, option: Any) -> bool:
    """Return whether an option accepts the value: -q needs the format id, -A a filter by namespace."""
    if synonym.parameter == "namespace" and not synonym.takes_value:
        return option.envvar is None and not option.required
    choices = option.type_descriptor.choices
    return synonym.takes_value or not choices or synonym.value in [getattr(each, "value", each) for each in choices]


def translate(words: Sequence[str], *, commands: Collection[str]) -> list[str]:
    """Translate nouns and verbs, in either order, to the words of this program.

    Raises ``Hint`` for words that have only advice. Unknown words are returned unchanged.
    """
    word, *rest = words
    word = NOUNS.get(word, word)
    if word in SERVICE_COMMANDS and word not in commands:
        raise Hint(f"This command belongs to the program {PROGRAM}:", [to_paste(shlex.join([word, *rest]))])
    if word == "workflows" and rest and (rest[0] in VERBS or rest[0] in commands):
        return ["help", word] if rest[0] == "help" else translate(rest, commands=commands)
    if word in commands:
        return [word, *rest]
    if rest and rest[0] in NOUNS:
        noun, arguments = NOUNS[rest[0]], rest[1:]
        return translate([noun, *_listing(noun, word, arguments), *arguments], commands=commands)
    return _meant(VERBS.get(word), words)


def translate_member(words: Sequence[str], *, group_name: str, commands: Collection[str]) -> list[str]:
    """Return the words that follow the name of a group_name as this program has them; raises ``Hint`` as above."""
    return list(words) if words[0] in commands else _meant(MEMBERS.get(group_name, {}).get(words[0]), words)


def _listing(noun: str, verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the verb to put after a noun: ``list`` for a plural without a name."""
    if noun not in MEMBERS:
        return [] if verb in LISTING and noun != "workflows" else [verb]
    named = any(not each.startswith("-") for each in arguments)
    return ["list"] if noun in LISTED and verb in LISTING and not named else [verb]


def suggestions(word: str, *, commands: Collection[str], group_name: str | None = None) -> list[str]:
    """Return the commands, and synonyms of commands, that look like a mistyped word."""
    synonyms = VERBS if group_name is None else MEMBERS.get(group_name, {})
    return difflib.get_close_matches(word, [*commands, *synonyms])


def _without_options(template: str, arguments: Sequence[str]) -> str:
    """Drop from a command to paste the options, with their values, that were typed already."""
    typed = {word.partition("=")[0] for word in arguments if word.startswith("-")}
    kept: list[str] = []
    dropping = False
    for word in template.split():
        dropping = word in typed or (dropping and not word.startswith("-"))
        if not dropping:
            kept.append(word)
    return " ".join(kept)


def _meant(meaning: Meaning | None, words: Sequence[str]) -> list[str]:
    if meaning is None:
        return list(words)
    if isinstance(meaning, Advice):
        raise meaning.hint(words[1:])
    return [*meaning, *words[1:]]
