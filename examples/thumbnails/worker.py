"""The worker of the workflow ``thumbnails``, which is defined in ``workflows.yaml`` beside this file.

Start it with ``workflow-manager worker --module examples.thumbnails.worker``.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from examples.thumbnails import pictures
from workflow_manager import Context, SyncContext, Worker

worker = Worker(namespace="dev", definitions=Path(__file__).with_name("workflows.yaml"))


class Order(BaseModel):
    """What a workflow is started with."""

    count: int = Field(default=3, ge=1, le=100, description="How many pictures to take.")
    width: int = Field(default=32, ge=1, le=pictures.WIDTH, description="Pixels across a thumbnail.")


class Shots(BaseModel):
    """The pictures that were taken, in the form that the next state maps over."""

    folder: Path
    pictures: list[dict[str, str | int]]


@dataclass
class Job:
    """One picture to make smaller."""

    path: Path
    width: int


@worker.task("shoot")
async def shoot(order: Order, context: Context) -> Shots:
    """Take pictures: an async function, for work that waits for others most of the time."""
    folder = Path(tempfile.mkdtemp(prefix="thumbnails-"))
    paths = [folder / f"picture-{number}.ppm" for number in range(order.count)]
    for number, path in enumerate(paths):
        await asyncio.to_thread(pictures.draw, path, seed=number)
    context.log.info("Pictures taken", count=order.count, folder=str(folder))
    return Shots(folder=folder, pictures=[{"path": str(path), "width": order.width} for path in paths])


@worker.task("make-thumbnail", concurrency=4, error_names={pictures.UnreadablePictureError: "Thumbnails.Unreadable"})
def make_thumbnail(job: Job, context: SyncContext) -> dict[str, str]:
    """Make a thumbnail: a plain function, which runs in a thread and looks now and then whether it should end."""
    rows = []
    for row in pictures.shrunk_rows(job.path, width=job.width):
        context.raise_if_cancelled()
        rows.append(row)
    thumbnail = job.path.with_suffix(".png")
    pictures.save_png(thumbnail, rows)
    return {"thumbnail": str(thumbnail)}


@worker.task()
async def gallery(made: dict[str, Any]) -> dict[str, str]:
    """Write a page with all thumbnails; named after the function, and with a plain dict as input."""
    thumbnails = [Path(item["thumbnail"]) for item in made["thumbnails"]]
    page = thumbnails[0].with_name("index.html")
    page.write_text("".join(f'<img src="{thumbnail.name}">\n' for thumbnail in thumbnails))
    return {"page": str(page)}
