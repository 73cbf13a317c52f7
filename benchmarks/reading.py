"""How the time to read and judge a document grows with it, over all shapes that the tests know.

    python -m benchmarks.reading [--size 5000] [--only TEXT]

Prints the milliseconds at n, 2n and 4n and the growth from the first to the last: 4 is linear, 16 is a square.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.sdk.states_language import growing_documents
from workflow_manager import errors, strict_json
from workflow_manager.states_language import validate
from workflow_manager.states_language.source import source

RUNS = 3
SUSPICIOUS = 6.0
"""Growth that is marked; noise alone reaches 5."""


def subjects() -> Iterator[tuple[str, Callable[[int], Any], Callable[[Any], object]]]:
    """Yield a name, what makes the document, and what is done with it."""
    for name, make in growing_documents.STATES.items():
        yield f"definition: {name}", make, validate
    for name, text in growing_documents.TEXTS.items():
        yield f"request: {name}", text, _read_strictly
        yield f"JSON file: {name}", text, lambda given: source.load(given, format="json")
        yield f"YAML file: {name}", text, lambda given: source.load(given, format="yaml")
    for name, text in growing_documents.YAML_TEXTS.items():
        yield f"YAML file: {name}", text, lambda given: source.load(given, format="yaml")


def _read_strictly(text: str) -> object:
    try:
        return strict_json.loads(text)
    except errors.InvalidRequest as refusal:
        return refusal


def milliseconds(act: Callable[[Any], object], given: Any) -> float:
    """Return the processor time of one call, the median of a few."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        act(given)
        times.append(time.process_time() - start)
    return statistics.median(times) * 1000


def main() -> None:
    """Print a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=5_000, help="n")
    parser.add_argument("--only", default="", help="only shapes with this in their name")
    options = parser.parse_args()
    sizes = [options.size, 2 * options.size, 4 * options.size]
    print(f"{'shape':60}" + "".join(f"{size:>10,}" for size in sizes) + "    growth")
    for name, make, act in subjects():
        if options.only not in name:
            continue
        times = [milliseconds(act, make(size)) for size in sizes]
        growth = times[2] / max(times[0], 0.1)
        mark = "  <" if growth > SUSPICIOUS else ""
        print(f"{name:60}" + "".join(f"{each:10.1f}" for each in times) + f"{growth:10.1f}{mark}")


if __name__ == "__main__":
    main()
