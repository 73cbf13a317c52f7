"""The ways of running the command line, as the tests of the SDK's commands have them."""

from tests.sdk.cli.conftest import env, open_terminal, process, service, wfm

__all__ = ["env", "open_terminal", "process", "service", "wfm"]
