"""Where the embedded AWS is, as AWS names places."""

from typing import Final

DEFAULT_REGION: Final = "us-west-2"
ACCOUNT_ID: Final = "123456789012"
