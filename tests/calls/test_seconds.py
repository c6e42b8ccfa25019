"""The part of a budget that is a limit of time."""

from __future__ import annotations

import math

from instructzero.calls.seconds import Seconds


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_time_before_counts() -> None:
    clock = Clock()
    seconds = Seconds(100.0, 80.0, clock)
    clock.now += 15
    assert (seconds.elapsed, seconds.left, seconds.suffice) == (15, 5, True)
    clock.now += 5
    assert not seconds.suffice


def test_no_limit_leaves_time_for_ever() -> None:
    clock = Clock()
    seconds = Seconds(None, 1e9, clock)
    clock.now += 1e9
    seconds.answered(0.0)
    assert (seconds.left, seconds.suffice) == (math.inf, True)


def test_request_is_not_begun_if_its_answer_would_come_too_late() -> None:
    clock = Clock()
    seconds = Seconds(100.0, 0.0, clock)
    clock.now += 4
    seconds.answered(0.0)
    clock.now += 92
    assert not seconds.suffice
    assert "is reached before another answer, which takes about 4 s; raise --max-time" in seconds.explanation()


def test_slow_first_answer_does_not_end_a_run_early() -> None:
    clock = Clock()
    seconds = Seconds(10.0, 0.0, clock)
    clock.now += 6
    seconds.answered(0.0)
    assert seconds.suffice
