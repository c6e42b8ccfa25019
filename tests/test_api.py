"""The Python interface: progress, observers, interrupts, and several runs in one process."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.errors import ConfigurationError
from instructzero.models.scripted import ScriptedBlackBox, obey
from tests.conftest import WORDS

ASSETS = Path(__file__).parent / "assets"
ROWS = [(word, word[::-1]) for word in WORDS]
SIZES: dict[str, Any] = {"writer": "scripted:phrases", "evaluations": 12, "initial": 4, "batch": 4}


def journal(folder: Path) -> bytes:
    return (folder / "journal.jsonl").read_bytes()


def test_out_is_the_directory_as_on_the_command_line(tmp_path: Path) -> None:
    instructzero.optimize(ROWS, blackbox="scripted:obey", out=tmp_path / "run", **SIZES)
    assert (tmp_path / "run" / "result.json").exists()
    with pytest.raises(ConfigurationError, match=r"expected directory or out, .* give one"):
        instructzero.optimize(ROWS, blackbox="scripted:obey", out="a", directory="b", **SIZES)


def test_progress_is_shown_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for directory in (tmp_path / "shown", tmp_path / "silent"):
        instructzero.optimize(
            ROWS, blackbox="scripted:obey", directory=directory, progress=directory.name == "shown", **SIZES
        )
    shown = capsys.readouterr()
    assert "12 evaluations on 10 validation examples" in shown.err
    assert shown.err.count("testing on held-out examples") == 1
    assert shown.out == ""
    assert journal(tmp_path / "shown") == journal(tmp_path / "silent")


def test_finished_run_with_progress_says_that_nothing_was_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        instructzero.optimize(ROWS, blackbox="scripted:obey", directory=tmp_path / "run", progress=True, **SIZES)
    assert [record.getMessage()[:27] for record in caplog.records] == ["this run was complete alrea"]


def test_function_as_observer_receives_the_events_that_an_observer_receives(tmp_path: Path) -> None:
    received: list[tuple[str, Mapping[str, Any]]] = []

    class Watching(instructzero.Observer):
        reasons: list[str] = []  # noqa: RUF012

        def search_stopped(self, reason: str) -> None:
            self.reasons.append(reason)

    for name, observer in (("function", lambda *event: received.append(event)), ("object", Watching())):
        instructzero.optimize(ROWS, blackbox="scripted:obey", directory=tmp_path / name, observer=observer, **SIZES)
    assert {"run_started", "answered", "trial_finished", "testing_started", "run_finished"} <= dict(received).keys()
    assert dict(received)["run_started"]["plan"].evaluations == 12
    assert [values["reason"] for event, values in received if event == "search_stopped"] == Watching.reasons


@pytest.mark.parametrize("observer", ["log", instructzero.Observer])
def test_something_else_as_observer_is_refused(observer: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected an Observer or a function"):
        instructzero.optimize(ROWS, directory=tmp_path / "run", observer=observer, **SIZES)  # type: ignore[arg-type]


class Stopping:
    """A black box that counts its prompts, and does something once, before one of its answers."""

    def __init__(self, at: int, act: Any) -> None:
        self.prompts: Counter[str] = Counter()
        self._at, self._act = at, act

    def box(self, delay: float = 0.0) -> ScriptedBlackBox:
        """Return the same black box again, as a new object."""
        return ScriptedBlackBox(self._answer, concurrency=2, delay=delay)

    def _answer(self, prompt: str) -> str:
        self.prompts[prompt] += 1
        if self.prompts.total() == self._at:
            self._act()
        return obey(prompt)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("at", [3, 20])
def test_interrupted_call_is_continued_by_the_same_call_without_paying_twice(tmp_path: Path, at: int) -> None:
    stopping = Stopping(at, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        instructzero.optimize(ROWS, blackbox=stopping.box(), directory=tmp_path / "run", **SIZES)
    asked = stopping.prompts.total()
    instructzero.optimize(ROWS, blackbox=stopping.box(), directory=tmp_path / "run", **SIZES)
    instructzero.optimize(ROWS, blackbox=Stopping(0, None).box(), directory=tmp_path / "whole", **SIZES)
    assert asked < stopping.prompts.total()
    assert set(stopping.prompts.values()) == {1}
    assert journal(tmp_path / "run") == journal(tmp_path / "whole")


def test_cancelled_aoptimize_is_continued_without_paying_twice(tmp_path: Path) -> None:
    async def main() -> None:
        reached = asyncio.Event()
        loop = asyncio.get_running_loop()
        stopping = Stopping(20, lambda: loop.call_soon_threadsafe(reached.set))
        arguments = {**SIZES, "directory": tmp_path / "run"}
        task = asyncio.create_task(instructzero.aoptimize(ROWS, blackbox=stopping.box(0.01), **arguments))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        asked = stopping.prompts.total()
        result = await instructzero.aoptimize(ROWS, blackbox=stopping.box(), **arguments)
        assert result.test_score == 1
        assert asked < stopping.prompts.total()
        assert set(stopping.prompts.values()) == {1}

    asyncio.run(main())
    instructzero.optimize(ROWS, blackbox=Stopping(0, None).box(), directory=tmp_path / "whole", **SIZES)
    assert journal(tmp_path / "run") == journal(tmp_path / "whole")


def test_aoptimize_raises_the_error_of_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown setting"):
        asyncio.run(instructzero.aoptimize(ROWS, directory=tmp_path / "run", evaluation=3, **SIZES))


def test_four_aoptimize_at_once_write_the_journals_of_runs_alone(tmp_path: Path) -> None:
    def settings(place: str, seed: int) -> dict[str, Any]:
        return {**SIZES, "blackbox": "scripted:obey", "seed": seed, "directory": tmp_path / place / str(seed)}

    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await asyncio.gather(*(instructzero.aoptimize(ROWS, **settings("at-once", seed)) for seed in range(4)))
        ticking.cancel()
        assert ticks > 10  # the event loop went on

    asyncio.run(main())
    for seed in range(4):
        instructzero.optimize(ROWS, **settings("alone", seed))
        assert journal(tmp_path / "at-once" / str(seed)) == journal(tmp_path / "alone" / str(seed))


def test_runs_in_threads_that_share_a_store_pay_for_a_question_once(tmp_path: Path) -> None:
    counting = Stopping(0, None)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            instructzero.optimize(
                ROWS,
                blackbox=ScriptedBlackBox(counting._answer, delay=0.002),
                store=tmp_path / "shared.sqlite",
                directory=tmp_path / str(number),
                **SIZES,
            )
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(counting.prompts.values()) == {1}


def test_eight_cold_starts_of_the_embedded_pair_in_threads_run_as_alone_and_pay_once(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ASSETS / "eight_at_once.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first, second, (answers, payments) = [line.split() for line in done.stdout.splitlines()]
    assert (first, second, done.stderr) == (["True"] * 3, ["True"] * 3, "")
    assert answers == payments


def test_run_does_not_depend_on_the_default_precision_which_a_thread_changes_while_it_loads_a_model(
    tmp_path: Path,
) -> None:
    import torch

    for dtype in (torch.float32, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try:
            instructzero.optimize(ROWS, blackbox="scripted:obey", directory=tmp_path / str(dtype), **SIZES)
        finally:
            torch.set_default_dtype(torch.float32)
    assert journal(tmp_path / "torch.float32") == journal(tmp_path / "torch.bfloat16")


def test_progress_in_a_thread_is_plain_lines_also_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from instructzero.integrations.notebook import program_progress
    from instructzero.progress import LiveProgress, PlainProgress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stderr", Terminal())
    chosen: list[object] = []
    thread = threading.Thread(target=lambda: chosen.append(program_progress({})))
    thread.start()
    thread.join()
    chosen.append(program_progress({}))
    assert [type(display) for display in chosen] == [PlainProgress, LiveProgress]
