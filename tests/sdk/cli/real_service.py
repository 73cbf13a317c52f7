"""The real service on a real port, on a fake Step Functions whose runs end on the first read."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import uvicorn

from app.main import create_app
from app.settings import Settings
from tests.eventually import eventually
from tests.rig import Rig


class RealService(NamedTuple):
    """Where the service is, and what is behind it."""

    url: str
    rig: Rig


@contextmanager
def serving() -> Iterator[RealService]:
    """Serve on a free port."""
    rig = Rig()
    rig.get_through()

    async def end_all() -> None:
        await _end_all(rig)

    rig.sfn.before["get_execution_history"] = end_all
    app = create_app(Settings())
    app.state.services = rig.services()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started, what="the server to start")
        yield RealService(f"http://127.0.0.1:{listener.getsockname()[1]}", rig)
        app.state.feeds.close()
        server.should_exit = True
        thread.join(timeout=10)


async def _end_all(rig: Rig) -> None:
    """End every run except in the queue ``slow``: runs with the input ``fail`` fail, others succeed."""
    for arn, execution in rig.sfn.executions.items():
        workflow_id = arn.rpartition(":")[2]
        if execution.status != "RUNNING" or (await rig.store.get_workflow(workflow_id)).queue == "slow":
            continue
        rig.sfn.enter(workflow_id, "greet", input=execution.input)
        if json.loads(execution.input).get("fail"):
            rig.sfn.fail(workflow_id, "Boom", "it broke")
        else:
            rig.sfn.succeed(workflow_id, output='{"greeting": "hello"}')
