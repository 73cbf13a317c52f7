"""What starts cost that weigh little themselves: the definition behind them may be large.

Covers `app.executor.starter`.
"""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from app.executor.starter import MAX_EXPANDED_AT_ONCE
from tests import samples
from tests.rig import Rig
from workflow_manager import states_language

LARGE = {**samples.ECHO, "Comment": "x" * (MAX_EXPANDED_AT_ONCE + 1)}


@pytest.mark.parametrize(
    "character",
    [pytest.param("x", id="narrow", marks=pytest.mark.slow), pytest.param("\N{PILE OF POO}", id="wide")],
)
def test_starts_in_many_namespaces_are_prepared_in_512_mib(character: str) -> None:
    """Each namespace has its own copy of the definition, and its name is the caller's choice."""
    script = textwrap.dedent(f"""
        import asyncio, resource
        from app.executor.definition_cache import DefinitionCache
        from app.executor.starter import ExecutionStarter
        from app.store.memory import MemoryStore
        from tests import samples
        from tests.rig import ACCOUNT
        resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
        machine = samples.ECHO | {{"Comment": "x" * 900_000 + {character!r}}}

        async def prepare():
            starter = ExecutionStarter(None, DefinitionCache(MemoryStore(), clock=lambda: 0.0), None, ACCOUNT)
            for number in range(600):
                await starter.state_machine(samples.definition(machine=machine), namespace=f"n{{number}}")

        asyncio.run(prepare())
    """)

    # Otherwise each thread reserves 64 MiB of addresses, which are not memory.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False, env=environment
    )

    assert child.returncode == 0, child.stderr[-2000:]


async def test_a_large_definition_is_expanded_beside_the_event_loop(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each namespace anew, and once for all starts that wait for it."""
    threads: list[int] = []
    expand = states_language.expand
    names = states_language.resource_names

    def noted_expand(*args: object, **options: object) -> object:
        threads.append(threading.get_ident())
        return expand(*args, **options)  # type: ignore[arg-type]  # handed on as it came

    def noted_names(machine: dict[str, object]) -> frozenset[str]:
        threads.append(threading.get_ident())
        return names(machine)

    monkeypatch.setattr(states_language, "expand", noted_expand)
    monkeypatch.setattr(states_language, "resource_names", noted_names)
    await rig.define(LARGE)

    await asyncio.gather(*(rig.start() for _ in range(5)))

    assert len(threads) == 2
    assert threading.get_ident() not in threads
