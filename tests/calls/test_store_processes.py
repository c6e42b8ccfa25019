"""Processes that share one store, and are killed at any moment: nothing is damaged, lost, or paid twice."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

from instructzero.calls.store import CallStore

KILLS = 50
ASSET = Path(__file__).parents[1] / "assets" / "sharing_process.py"


def load_asset() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sharing_process", ASSET)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Sharing:
    """The store, the log, and the processes that use them."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "calls.sqlite"
        self.log = folder / "log"
        self.log.touch()
        self.killed: set[str] = set()

    def start(self) -> subprocess.Popen[str]:
        """Start a process a little before the last question, where questions may be unanswered."""
        asked = [number for what, _, numbers in self.events() if what == "asked" for number in numbers]
        command = [sys.executable, str(ASSET), str(self.store), str(self.log), str(max([300, *asked]) - 300)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def kill(self, process: subprocess.Popen[str]) -> None:
        assert process.poll() is None, process.communicate()[1]
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        self.killed.add(str(process.pid))

    def events(self) -> list[tuple[str, str, list[int]]]:
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(what, who, [int(number) for number in numbers]) for what, who, *numbers in lines]

    def integrity(self) -> Any:
        with closing(sqlite3.connect(self.store, timeout=30)) as plain:
            return plain.execute("PRAGMA integrity_check").fetchall()


def wait_until_at_work(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n", process.communicate()[1]


def test_killed_processes_with_shared_store_lose_and_repeat_nothing(tmp_path: Path) -> None:
    rng, sharing = random.Random(0), Sharing(tmp_path)
    processes = [sharing.start(), sharing.start()]
    for number in range(KILLS):
        one = rng.randrange(2)
        if number % 5:  # otherwise the process is still opening the store
            wait_until_at_work(processes[one])
        time.sleep(rng.uniform(0.0, 0.05))
        sharing.kill(processes[one])
        assert sharing.integrity() == [("ok",)]
        processes[one] = sharing.start()
    for process in processes:
        wait_until_at_work(process)
        sharing.kill(process)
    assert len(sharing.killed) == KILLS + 2
    check_nothing_is_lost(sharing)
    check_nothing_is_repeated(sharing)
    check_the_ledger(sharing)


def check_nothing_is_lost(sharing: Sharing) -> None:
    asset = load_asset()
    with CallStore(sharing.store) as store:
        for what, _, numbers in sharing.events():
            for number in numbers if what == "stored" else ():
                assert store.get(asset.call(number)) == asset.answer(number)
    assert sharing.integrity() == [("ok",)]
    assert not sharing.store.with_name("calls.sqlite-wal").exists()


def check_nothing_is_repeated(sharing: Sharing) -> None:
    events = sharing.events()
    last_sign = {who: position for position, (_, who, _) in enumerate(events)}
    stored: set[int] = set()
    asker: dict[int, str] = {}
    again = 0
    for position, (what, who, numbers) in enumerate(events):
        for number in numbers:
            if what == "stored":
                stored.add(number)
                continue
            assert number not in stored, "asked again although the answer was stored"
            if number in asker:
                again += 1
                assert last_sign[asker[number]] < position, "asked by two at once"
            asker[number] = who
    assert len(stored) > 3 * KILLS
    assert 0 < again <= 3 * len(sharing.killed)  # answers in flight at a kill are lost


def check_the_ledger(sharing: Sharing) -> None:
    """Check that every row of the store was paid for by one run; lost tries have rows of their own."""
    with CallStore(sharing.store) as store:
        accounts = store.accounts()
        paid = [each for each in accounts if each.role == "black box"]
        assert sum(each.usage.calls for each in paid) == len(store)
        assert {each.run for each in paid} <= sharing.killed
        assert all(each.lost == each.usage.calls for each in accounts if each.role == "judge")
