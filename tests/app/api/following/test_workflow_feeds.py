"""What following a workflow costs, and what its followers see: in virtual time.

Covers `app.api.workflow_feeds`.
"""

import asyncio
from collections import Counter
from typing import Any

import pytest

from app.api.workflow_feeds import LONGEST_REFRESH_SECONDS, Feeds
from tests import samples
from workflow_manager import errors, models


class Looks:
    """A workflow that tests change, and how often it is read."""

    def __init__(self) -> None:
        self.workflow = samples.workflow("w", revision=1)
        self.reads: Counter[bool] = Counter()
        self.refresh_takes_seconds = 0.0
        self.failures: list[Exception] = []

    async def __call__(self, *, refresh: bool) -> models.Workflow:
        self.reads[refresh] += 1
        if refresh:
            await asyncio.sleep(self.refresh_takes_seconds)
        if self.failures:
            raise self.failures.pop(0)
        return self.workflow

    def change(self, **fields: Any) -> None:
        """Write to the workflow."""
        self.workflow = self.workflow.model_copy(update={"revision": self.workflow.revision + 1, **fields})


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.mark.looptime
async def test_a_hundred_followers_cost_one_read_a_second(looks: Looks) -> None:
    feeds = Feeds()

    async def follow() -> None:
        with feeds.follow("w", looks) as follower:
            assert await follower.feed.newer_than(None, timeout_seconds=5)
            assert await follower.feed.newer_than(1, timeout_seconds=100) is None

    await asyncio.gather(*(follow() for _ in range(100)))
    assert 90 <= looks.reads.total() <= 101


@pytest.mark.looptime
async def test_step_functions_is_asked_less_often_while_nothing_happens(looks: Looks) -> None:
    with Feeds().follow("w", looks) as follower:
        await follower.feed.newer_than(1, timeout_seconds=600)
    assert looks.reads[True] <= 600 / LONGEST_REFRESH_SECONDS + 5


@pytest.mark.looptime
async def test_a_slow_step_functions_holds_no_news_back(looks: Looks) -> None:
    """What the poller writes meanwhile is seen within two seconds."""
    looks.refresh_takes_seconds = 60
    loop = asyncio.get_running_loop()
    with Feeds().follow("w", looks) as follower:
        await follower.feed.newer_than(None, timeout_seconds=5)
        looks.change(status=models.WorkflowStatus.RUNNING)
        changed_at = loop.time()
        assert await follower.feed.newer_than(1, timeout_seconds=60)
    assert loop.time() - changed_at <= 2


@pytest.mark.looptime
async def test_an_outage_in_the_middle_is_waited_out(looks: Looks) -> None:
    with Feeds().follow("w", looks) as follower:
        await follower.feed.newer_than(None, timeout_seconds=5)
        looks.failures = [errors.Unavailable(), errors.Throttled()]
        looks.change()
        assert await follower.feed.newer_than(1, timeout_seconds=30)


@pytest.mark.looptime
async def test_an_outage_at_the_start_is_told_to_everybody(looks: Looks) -> None:
    looks.failures = [errors.Unavailable("no answer")]
    feeds = Feeds()
    with feeds.follow("w", looks) as one, feeds.follow("w", looks) as other:
        for follower in (one, other):
            with pytest.raises(errors.Unavailable, match="no answer"):
                await follower.feed.newer_than(None, timeout_seconds=5)
    assert len(feeds) == 0


@pytest.mark.looptime
async def test_a_follower_is_never_taken_back(looks: Looks) -> None:
    """A lagging copy of the store is ignored."""
    looks.workflow = samples.workflow("w", revision=5)
    with Feeds().follow("w", looks) as follower:
        await follower.feed.newer_than(None, timeout_seconds=5)
        looks.workflow = samples.workflow("w", revision=4)
        assert await follower.feed.newer_than(5, timeout_seconds=10) is None
        newest = await follower.feed.newer_than(None, timeout_seconds=5)
    assert newest
    assert newest.revision == 5


@pytest.mark.looptime
async def test_details_that_come_after_the_end_are_sent(looks: Looks) -> None:
    with Feeds().follow("w", looks) as follower:
        looks.change(status=models.WorkflowStatus.SUCCEEDED, details_pending=True)
        await follower.feed.newer_than(None, timeout_seconds=5)
        looks.change(output="{}", details_pending=False)
        detailed = await follower.feed.newer_than(2, timeout_seconds=30)
        assert await follower.feed.newer_than(3, timeout_seconds=30) is None
        assert follower.feed.over
    assert detailed
    assert detailed.workflow.output == "{}"


@pytest.mark.looptime
async def test_details_that_never_come_are_not_waited_for(looks: Looks) -> None:
    looks.change(status=models.WorkflowStatus.SUCCEEDED, details_pending=True)
    loop = asyncio.get_running_loop()
    with Feeds().follow("w", looks) as follower:
        assert await follower.feed.newer_than(2, timeout_seconds=600) is None
        assert follower.feed.over
    assert loop.time() < 10


@pytest.mark.looptime
async def test_a_large_workflow_is_read_more_rarely(looks: Looks) -> None:
    """A megabyte a second is what one follower may cost."""
    looks.change(output="x" * (10 << 20))
    with Feeds().follow("w", looks) as follower:
        await follower.feed.newer_than(2, timeout_seconds=100)
    assert looks.reads.total() <= 12


@pytest.mark.looptime
async def test_a_feed_does_not_live_for_ever(looks: Looks) -> None:
    """Its followers are sent away, and the next one gets a new one."""
    feeds = Feeds(lifetime_seconds=60)
    loop = asyncio.get_running_loop()
    with feeds.follow("w", looks) as follower:
        assert await follower.feed.newer_than(1, timeout_seconds=600) is None
        assert follower.feed.over
        assert loop.time() == pytest.approx(60, abs=2)
        with feeds.follow("w", looks) as other:
            assert await other.feed.newer_than(None, timeout_seconds=5)
            assert not other.feed.over
