from __future__ import annotations

import asyncio
import threading
from contextlib import closing

import pytest

from instructzero.models.event_loop import EventLoop, Interrupt


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


def test_interrupt_from_another_thread_cancels_the_coroutine_once() -> None:
    interrupt, ended = Interrupt(), []

    async def wait() -> None:
        threading.Thread(target=interrupt.send).start()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with interrupt.heeded():
        loop = EventLoop()
    with closing(loop):
        with pytest.raises(KeyboardInterrupt):
            loop.run(wait())
        assert ended == ["cancelled"]
        assert loop.run(asyncio.sleep(0, "goes on")) == "goes on"


def test_interrupt_before_a_coroutine_is_raised_by_the_next_one_but_not_by_what_must_be_finished() -> None:
    interrupt = Interrupt()
    with interrupt.heeded():
        loop = EventLoop()
    with closing(loop):
        interrupt.send()
        assert loop.finish(asyncio.sleep(0, "finished")) == "finished"
        with pytest.raises(KeyboardInterrupt):
            loop.run(asyncio.sleep(0))


def test_loop_made_outside_does_not_heed_the_interrupt() -> None:
    interrupt = Interrupt()
    with interrupt.heeded():
        pass
    with closing(EventLoop()) as loop:
        interrupt.send()
        assert loop.run(asyncio.sleep(0, "goes on")) == "goes on"
