"""Signals that end the work of the main thread."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from instructzero.models import stopping
from instructzero.models.event_loop import EventLoop
from instructzero.models.stopping import SIGNALS, Stop, heeded_signals, working

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_cancels_the_coroutine_and_has_the_exit_code_of_shells(number: signal.Signals) -> None:
    ended = []

    async def wait() -> None:
        signal.raise_signal(number)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with Stop(SIGNALS) as stop:
        with working(), closing(EventLoop()) as loop, pytest.raises(KeyboardInterrupt):
            loop.run(wait())
        assert stop.exit_code == CODES[number]
    assert ended == ["cancelled"]


def test_signal_interrupts_what_is_no_coroutine() -> None:
    with Stop(SIGNALS), working(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_signal_waits_for_what_must_be_finished() -> None:
    async def finish() -> str:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        return "finished"

    with Stop(SIGNALS), working(), closing(EventLoop()) as loop:
        assert loop.finish(finish()) == "finished"
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)


def test_signals_within_a_second_are_one_and_a_later_one_ends_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    with Stop(SIGNALS) as stop, working(), closing(EventLoop()) as loop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        assert (stop.number, loop.hurries) == (signal.SIGHUP, False)
        monkeypatch.setattr(stopping, "TOGETHER_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert (stop.number, loop.hurries) == (signal.SIGHUP, True)


def test_only_the_first_signal_counts_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "TOGETHER_S", 0.0)
    with Stop(SIGNALS, once=True), working():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)


def test_interrupt_that_python_drops_is_raised_again() -> None:
    class Careless:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def drop() -> None:
        careless = Careless()
        del careless
        time.sleep(5)

    with Stop(SIGNALS), working(), pytest.raises(KeyboardInterrupt):
        drop()


def test_ignored_signals_stay_ignored_and_handlers_are_restored() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop(heeded_signals()) as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop.number is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before[signal.SIGHUP])
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_stop_in_another_thread_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    handlers = []

    def work() -> None:
        with Stop(SIGNALS), working():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]


SLOW_IMPORT = """
import signal, sys
from pathlib import Path
from instructzero.models.stopping import SIGNALS, Stop, working
Path("slow.py").write_text("import signal; signal.raise_signal(signal.SIGTERM); print('imported', flush=True)")
sys.path.insert(0, "")
with Stop(SIGNALS):
    if len(sys.argv) > 1:
        with working():
            try:
                import slow
                import time; time.sleep(5)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
    else:
        import slow
"""


@pytest.mark.parametrize(("arguments", "said", "code"), [((), "", 143), (("working",), "imported\ninterrupted\n", 0)])
def test_signal_in_an_import_ends_the_process_or_waits_if_work_has_begun(tmp_path, arguments, said, code) -> None:
    done = run_script(SLOW_IMPORT, tmp_path, *arguments)
    assert (done.stdout, done.stderr, done.returncode) == (said, "", code)


THIRD = """
import signal, time
from instructzero.models import stopping
stopping.TOGETHER_S = 0
with stopping.Stop(stopping.SIGNALS), stopping.working():
    for _ in range(3):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass
"""


def test_third_signal_ends_the_process(tmp_path) -> None:
    assert run_script(THIRD, tmp_path).returncode == 130


def run_script(text: str, folder: os.PathLike[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", text, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
