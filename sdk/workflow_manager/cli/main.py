"""The entry point: runs one command line, and turns an error into one line and an exit code."""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence

import typer

from workflow_manager import errors
from workflow_manager.cli.commands import COMMANDS, DEBUG_VARIABLE, CommandGroup, CommandSpec, build
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of
from workflow_manager.cli.options.bash_completion import join_words
from workflow_manager.cli.output.escaping import escape, escape_lines
from workflow_manager.cli.program import program_name
from workflow_manager.cli.synonyms import OPTION_ADVICE, Hint

UNKNOWN_OPTION = "No such option: "


def main(
    arguments: Sequence[str] | None = None, *, commands: Mapping[str, CommandSpec | CommandGroup] = COMMANDS
) -> int:
    """Run a command line of ``commands``; return the exit code. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        # A name in another alphabet must not crash a command on an ASCII terminal.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    join_words(os.environ)
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments, commands)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would flush again at exit, and report an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    return code


def _run(arguments: Sequence[str], commands: Mapping[str, CommandSpec | CommandGroup]) -> int:
    try:
        result = build(commands).main(list(arguments), prog_name=program_name(), standalone_mode=False)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit as stop:
        return _stopped(stop)
    except Exception as error:  # noqa: BLE001  the process ends here; WFM_DEBUG shows the traceback
        return _report(error, arguments)
    return result if isinstance(result, int) else ExitCode.OK


def _report(error: Exception, arguments: Sequence[str]) -> int:
    """Print an error to the error stream; return its exit code."""
    if os.environ.get(DEBUG_VARIABLE):
        typer.echo(escape_lines("".join(traceback.format_exception(error)).rstrip()), err=True)
    commands: Sequence[str] = ()
    error = _with_advice(error)
    match error:
        case Hint(message=message, commands=commands, code=code):
            pass
        case errors.WorkflowManagerError():
            code, message = exit_code_of(error), error.message
            commands = _after_refusal(error)
        case typer.TyperException():
            code, message = ExitCode(error.exit_code), _usage_line(error, arguments)
        case typer.Abort():
            code, message = ExitCode.INTERRUPTED, "aborted"
        case _:
            hint = f"(set {DEBUG_VARIABLE}=1 for the traceback)"
            code, message = ExitCode.INTERNAL_ERROR, f"unexpected {type(error).__name__}: {error} {hint}"
    typer.echo(f"{program_name()}: {escape(message)}", err=True)
    for command in commands:
        typer.echo(escape(f"  {command}"), err=True)
    for finding in getattr(error, "findings", ()):
        if finding.message not in message:
            typer.echo(escape(f"  {finding.pointer or '/'}: {finding.message}"), err=True)
    return code


def _after_refusal(error: errors.WorkflowManagerError) -> Sequence[str]:
    """Return what to do after a refusal for want of a credential, or of rights."""
    match error:
        case errors.NotAuthenticated():
            return ("export WORKFLOWMANAGER_TOKEN=KEY   # or token_command in a profile", "wfm whoami")
        case errors.NotAllowed():
            return ("wfm whoami",)
    return ()


def _stopped(stop: SystemExit) -> int:
    """Return the exit code for a SystemExit of typer: a broken pipe, or the end of shell completion."""
    if isinstance(stop.__context__, BrokenPipeError):
        return ExitCode.BROKEN_PIPE
    return stop.code if isinstance(stop.code, int) else ExitCode.OK


def _usage_line(error: typer.TyperException, arguments: Sequence[str]) -> str:
    sentence = " ".join(error.format_message().replace("Value error, ", "").split())
    if option := getattr(error, "option_name", None):
        sentence = sentence.replace(UNKNOWN_OPTION + option, UNKNOWN_OPTION + _as_typed(option, arguments))
    context = getattr(error, "ctx", None)
    return sentence if context is None else f"{sentence} (see {context.command_path} --help)"


def _as_typed(option: str, arguments: Sequence[str]) -> str:
    """Return the option as it was typed: for `-bogus` the error names only `-b`."""
    if option.startswith("--"):
        return option
    return next((word.partition("=")[0] for word in arguments if word.startswith(option)), option)


def _with_advice(error: Exception) -> Exception:
    """Replace the error by advice, for an option that other programs have."""
    advice = OPTION_ADVICE.get(getattr(error, "option_name", None) or "")
    return error if advice is None else advice.hint(())
