"""The garbage collector runs rarely while requests are in flight, and as before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.models.garbage import rare_collections
from instructzero.models.scripted import ScriptedBlackBox, echo


@pytest.fixture
def threshold() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    gc.set_threshold(701, 10, 10)
    yield (701, 10, 10)
    gc.set_threshold(*before)


def test_collections_are_rare_as_long_as_paid_models_are_open(threshold: tuple[int, int, int]) -> None:
    with CallStore(":memory:") as store, PaidModels({BLACK_BOX: ScriptedBlackBox(echo)}, store):
        assert gc.get_threshold()[0] == 100_000
    assert gc.get_threshold() == threshold


def test_threshold_is_restored_after_an_error(threshold: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="x"), rare_collections(), rare_collections():
        raise ValueError("x")
    assert gc.get_threshold() == threshold


def test_last_of_several_threads_restores_the_threshold(threshold: tuple[int, int, int]) -> None:
    inside, seen = Barrier(2), []

    def work() -> None:
        with rare_collections():
            inside.wait(10)
            seen.append(gc.get_threshold()[0])

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [100_000] * 2
    assert gc.get_threshold() == threshold


@pytest.mark.parametrize("chosen", [0, 1_000_000])
def test_user_who_collects_never_or_more_rarely_is_left_alone(threshold: tuple[int, int, int], chosen: int) -> None:
    gc.set_threshold(chosen)
    with rare_collections():
        assert gc.get_threshold()[0] == chosen
    assert gc.get_threshold()[0] == chosen
