from __future__ import annotations

import asyncio
from contextlib import closing

import pytest

from instructzero.models.event_loop import EventLoop


async def which() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def fail() -> None:
    raise ValueError("no")


def test_run_uses_one_loop_for_all_coroutines() -> None:
    with closing(EventLoop()) as loop:
        assert loop.run(which()) is loop.run(which())


def test_run_works_inside_another_running_loop() -> None:
    async def cell() -> bool:
        with closing(EventLoop()) as loop:
            return loop.run(which()) is asyncio.get_running_loop()

    assert asyncio.run(cell()) is False


def test_run_raises_the_exception_of_the_coroutine() -> None:
    with closing(EventLoop()) as loop, pytest.raises(ValueError, match="no"):
        loop.run(fail())


def test_run_inside_another_loop_raises_the_exception_of_the_coroutine() -> None:
    async def cell() -> None:
        with closing(EventLoop()) as loop:
            loop.run(fail())

    with pytest.raises(ValueError, match="no"):
        asyncio.run(cell())
