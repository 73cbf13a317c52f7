"""Requests over connections that stay open, with as little as possible of our own in their time."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

Address = tuple[str, int]


class Connection:
    """One connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer. Raises ``RuntimeError`` when that is no success."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await self._reader.readexactly(int(length.split(b":")[1]))
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{head.decode()}{body.decode()}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def connect(address: Address, *, patience_seconds: float = 20.0) -> Connection:
    """Connect, as soon as there is an answer."""
    connection = Connection(*await asyncio.open_connection(*address))
    await asyncio.wait_for(connection.exchange(request("GET", "/cpu-seconds")), patience_seconds)
    return connection


def request(method: str, path: str, body: object = None, *, token: str | None = None) -> bytes:
    """Return the bytes of a request."""
    text = b"" if body is None else json.dumps(body).encode()
    headers = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
    if token is not None:
        headers += f"Authorization: Bearer {token}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode() + text


async def fetch(address: Address, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
    """Make one request; returns its JSON."""
    connection = await connect(address)
    try:
        answer = await connection.exchange(request(method, path, body, token=token))
    finally:
        connection.close()
    return json.loads(answer) if answer else None


async def drive(address: Address, data: bytes, *, requests: int, connections: int) -> list[float]:
    """Make a request many times, over some connections at once; returns how many seconds each took."""
    seconds: list[float] = []
    waiting = iter(range(requests))

    async def caller(connection: Connection) -> None:
        for _ in waiting:
            began = time.perf_counter()
            await connection.exchange(data)
            seconds.append(time.perf_counter() - began)

    opened = [await connect(address) for _ in range(connections)]
    await asyncio.gather(*(caller(connection) for connection in opened))
    for connection in opened:
        connection.close()
    return seconds


async def paced(address: Address, data: Callable[[int], bytes], *, per_second: float, seconds: float) -> list[float]:
    """Make requests at a fixed rate whether or not they are answered; returns how long each took from its due time."""
    loop = asyncio.get_running_loop()
    free = [await connect(address) for _ in range(4)]
    taken: list[float] = []
    began = loop.time()

    async def one(number: int, due: float) -> None:
        connection = free.pop() if free else await connect(address)
        await connection.exchange(data(number))
        taken.append(loop.time() - due)
        free.append(connection)

    async with asyncio.TaskGroup() as group:
        for number in range(int(per_second * seconds)):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(one(number, due))
    for connection in free:
        connection.close()
    return taken
