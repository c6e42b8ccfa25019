"""A time at which work ends."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from contextlib import closing

import pytest

from instructzero.models.deadline import Deadline, TimeIsUp
from instructzero.models.event_loop import EventLoop


def compute() -> None:
    while True:
        pass


def test_deadline_cancels_the_coroutine_of_an_event_loop() -> None:
    ended = []

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    deadline = Deadline(time.monotonic())
    with deadline.heeded(), closing(EventLoop()) as loop, deadline.watched(), pytest.raises(TimeIsUp):
        loop.run(wait())
    assert ended == ["cancelled"]


def test_deadline_ends_a_computation_in_its_thread_only() -> None:
    raised = []

    def work() -> None:
        try:
            with Deadline(time.monotonic()).watched():
                compute()
        except TimeIsUp:
            raised.append("time is up")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert raised == ["time is up"]


def test_deadline_waits_for_what_must_be_finished() -> None:
    deadline = Deadline(time.monotonic())
    with deadline.heeded(), closing(EventLoop()) as loop, deadline.watched():
        assert loop.finish(asyncio.sleep(0.5, "finished")) == "finished"
        with pytest.raises(TimeIsUp):
            compute()


@pytest.mark.parametrize("at", [math.inf, 1e300])
def test_far_deadline_disturbs_nothing(at: float) -> None:
    with Deadline(at).watched():
        time.sleep(0.05)


def test_passed_deadline_does_not_outlive_its_block() -> None:
    with Deadline(time.monotonic()).watched():
        pass
    time.sleep(0.5)
