"""DynamoDB, one request at a time: moto's takes no lock, so that concurrent conditional writes could both win."""

import threading
from typing import Final

from moto.core.common_types import TYPE_RESPONSE
from moto.dynamodb.responses import DynamoHandler

_ONE_AT_A_TIME: Final = threading.Lock()


class DynamoDBResponse(DynamoHandler):
    """One request to DynamoDB and its answer."""

    def call_action(self) -> TYPE_RESPONSE:
        """Answer while no other request is answered."""
        with _ONE_AT_A_TIME:
            answer: TYPE_RESPONSE = super().call_action()
            return answer
