"""The embedded AWS: Step Functions, DynamoDB and STS in a process of their own, without Docker or an account.

``LocalAWS`` runs it as a child process, ``serve`` in this one. Importing this package is cheap: the libraries
behind it take a second to load, and only the process that serves loads them.
"""

from workflow_manager.local.place import ACCOUNT_ID, DEFAULT_REGION
from workflow_manager.local.process import LocalAWS, serve

__all__ = ["ACCOUNT_ID", "DEFAULT_REGION", "LocalAWS", "serve"]
