"""The running time of a run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from instructzero.files import sharing
from instructzero.records.running_time import NAME, TICK_S, counting_time, read_running_time


def test_time_is_in_the_file_while_it_passes(tmp_path: Path) -> None:
    with counting_time(tmp_path, time.monotonic() - 100) as seconds:
        deadline = time.monotonic() + 30
        while read_running_time(tmp_path) < 100 + TICK_S and time.monotonic() < deadline:
            time.sleep(0.02)
        assert 100 + TICK_S <= read_running_time(tmp_path) <= seconds()


def test_change_of_the_clock_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with counting_time(tmp_path, time.monotonic()) as seconds:
        monkeypatch.setattr(time, "time", lambda: 0.0)
        assert 0 <= seconds() < 60


def test_pause_between_processes_does_not_count(tmp_path: Path) -> None:
    for _ in range(2):
        with counting_time(tmp_path, time.monotonic() - 10):
            pass
        time.sleep(0.01)
    assert 20 <= read_running_time(tmp_path) < 80


@pytest.mark.parametrize("content", [b"", b"soon", b"-5", b"inf", b"nan", b"\xff", b"1" * 10_000])
def test_damaged_file_counts_as_no_time(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert read_running_time(tmp_path) == 0.0


def test_link_in_the_place_of_the_file_is_neither_read_nor_written(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("5000\n")
    (tmp_path / NAME).symlink_to(target)
    with counting_time(tmp_path, time.monotonic()) as seconds:
        assert seconds() < 60
    assert target.read_text() == "5000\n"


def test_forgotten_process_adds_nothing(tmp_path):
    with counting_time(tmp_path, time.monotonic() - 100):
        pass
    with counting_time(tmp_path, time.monotonic() - 50) as seconds:
        seconds.forget()
    assert 100 <= read_running_time(tmp_path) < 110


def test_file_has_the_mode_of_the_block_that_counts(tmp_path: Path) -> None:
    for shared, mode in ((True, 0o664), (False, 0o600)):
        (tmp_path / str(shared)).mkdir()
        before = os.umask(0o002)
        try:
            with sharing(shared), counting_time(tmp_path / str(shared), time.monotonic()):
                pass
        finally:
            os.umask(before)
        assert (tmp_path / str(shared) / NAME).stat().st_mode & 0o777 == mode
