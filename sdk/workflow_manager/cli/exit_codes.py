"""Exit codes of the command line."""

from enum import IntEnum

from workflow_manager import errors


class ExitCode(IntEnum):
    """Exit codes that scripts may rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    AUTH = 4
    UNAVAILABLE = 5
    WORKFLOW_CANCELLED = 6
    INTERNAL_ERROR = 70
    WAIT_TIMED_OUT = 124
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


EXIT_CODES_HELP = (
    "Exit codes: 0 ok, 1 workflow failed (or lint found problems), 2 usage, 3 not found or conflict, "
    "4 not authorised, 5 server or network, 6 workflow cancelled, 70 internal error, 124 timeout, "
    "130 interrupted, 141 broken pipe, 143 terminated."
)

_CODES_BY_ERROR: tuple[tuple[type[errors.WorkflowManagerError], ExitCode], ...] = (
    # A workflow that has ended meanwhile is a conflict, not wrong usage.
    (errors.WorkflowEnded, ExitCode.REFUSED),
    (errors.InvalidRequest, ExitCode.USAGE),
    (errors.RequestTooLarge, ExitCode.USAGE),
    (errors.SettingsError, ExitCode.USAGE),
    (errors.NotFound, ExitCode.REFUSED),
    (errors.Conflict, ExitCode.REFUSED),
    (errors.NotAuthenticated, ExitCode.AUTH),
    (errors.NotAllowed, ExitCode.AUTH),
)


def exit_code_of(error: errors.WorkflowManagerError) -> ExitCode:
    """Return the exit code of an error; 5 if no other input would help."""
    return next((code for kind, code in _CODES_BY_ERROR if isinstance(error, kind)), ExitCode.UNAVAILABLE)
