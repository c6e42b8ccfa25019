"""The limit of time holds whatever a run does at that moment, and over its processes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import instructzero
from instructzero.errors import BudgetExhausted
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.records.running_time import NAME, read_running_time
from instructzero.testing import Endpoint

GENEROUS_S = 15.0
"""Far less than what is in flight would take, and enough for a busy machine."""


class BusyWriter(ScriptedWriter):
    """A writer that computes for ever once it has written the plain instruction."""

    def generate(self, *arguments, **options):
        writings = super().generate(*arguments, **options)
        while arguments[0] is not None:
            pass
        return writings


@pytest.fixture(autouse=True)
def loaded(scripted, tmp_path):
    """Import everything before: an import takes longer than the limits here, and is not cut off."""
    run(scripted, tmp_path / "loaded", 600)


@pytest.fixture
def stuck():
    """Return a black box that answers at the end of the test."""
    released = threading.Event()

    def answer(prompt: str) -> str:
        released.wait(60)
        return prompt

    yield answer
    released.set()


def run(scripted, directory, seconds, **changes):
    settings = {name: value for name, value in scripted.items() if name != "task"} | changes
    return instructzero.optimize(scripted["task"], out=directory, max_time=seconds, **settings)


def assert_ends_in_time(scripted, directory, seconds, **changes):
    begun = time.monotonic()
    with pytest.raises(BudgetExhausted, match=rf"the limit of {seconds:g} seconds? is reached.*; raise --max-time"):
        run(scripted, directory, seconds, **changes)
    assert time.monotonic() - begun < seconds + GENEROUS_S


def test_function_that_does_not_return_is_left_behind(scripted, tmp_path, stuck):
    assert_ends_in_time(scripted, tmp_path / "run", 0.5, blackbox=stuck)


def test_open_requests_are_cut_off(scripted, tmp_path):
    with Endpoint(obey, latency=60) as endpoint:
        assert_ends_in_time(scripted, tmp_path / "run", 0.5, blackbox="openai:m", base_url=endpoint.base_url)


def test_wait_for_the_next_place_is_cut_off(scripted, tmp_path):
    with Endpoint(obey) as endpoint:
        limits = {"base_url": endpoint.base_url, "requests_per_minute": 1}
        assert_ends_in_time(scripted, tmp_path / "run", 1, blackbox="openai:m", **limits)


def test_wait_for_the_next_try_is_cut_off(scripted, tmp_path):
    with Endpoint(obey) as endpoint:
        endpoint.script = lambda prompt: instructzero.testing.Reply(503, "busy")
        limits = {"base_url": endpoint.base_url, "retries": 20}
        assert_ends_in_time(scripted, tmp_path / "run", 1, blackbox="openai:m", **limits)


@pytest.mark.parametrize("where", ["main thread", "another thread"])
def test_computation_is_interrupted_in_any_thread(scripted, tmp_path, where):
    box = ScriptedBlackBox(obey)

    def busy():
        assert_ends_in_time(scripted, tmp_path / "run", 0.7, writer=BusyWriter(), blackbox=box)

    if where == "main thread":
        busy()
    else:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(busy).result()


def test_time_of_earlier_processes_counts_and_a_used_up_limit_asks_nothing(scripted, tmp_path):
    directory = tmp_path / "run"
    with pytest.raises(BudgetExhausted):
        run(scripted, directory, 0.3, blackbox=ScriptedBlackBox(obey, delay=5.0))
    used = read_running_time(directory)
    assert 0.3 <= used < 0.3 + GENEROUS_S
    box = ScriptedBlackBox(obey)
    with pytest.raises(BudgetExhausted, match=r"this run has taken .* seconds, in all its processes"):
        run(scripted, directory, 0.3, blackbox=box)
    assert box.calls.total() == 0
    (directory / NAME).write_text("1000.0\n")
    with pytest.raises(BudgetExhausted, match=r"the limit of 900 seconds is reached: this run has taken 1,000 seconds"):
        run(scripted, directory, 900, blackbox=box)
    assert run(scripted, directory, 2000, blackbox=box).test_score is not None
    assert read_running_time(directory) > 1000


def test_finished_run_may_be_opened_after_its_limit(scripted, tmp_path):
    first = run(scripted, tmp_path / "run", 600)
    (tmp_path / "run" / NAME).write_text("1000.0\n")
    assert run(scripted, tmp_path / "run", 600) == first


def test_overwritten_run_begins_with_no_time(scripted, tmp_path):
    run(scripted, tmp_path / "run", 600)
    (tmp_path / "run" / NAME).write_text("1000.0\n")
    run(scripted, tmp_path / "run", 600, overwrite=True)
    assert read_running_time(tmp_path / "run") < 600
