"""Atomic writes and locks, and the sentence on a system without POSIX locks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instructzero import optimize
from instructzero.bench.plan import make_plan
from instructzero.config import make_settings
from instructzero.config.names import check_name
from instructzero.errors import ConfigurationError, UserError
from instructzero.files import FileInUse, exclusive_lock, lock_byte, unlock_byte, write_atomically

HOLDER = """
import sys
from pathlib import Path
from instructzero.files import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""

WITHOUT_LOCKS = """
import sys
sys.modules["fcntl"] = None
sys.argv = ["instructzero", "run", "--task", "antonyms"]
from instructzero.cli import main
main()
"""


def test_write_replaces_the_content_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_atomically(path, "old\n")
    write_atomically(path, "neu \ud800\n")
    assert path.read_text(encoding="utf-8") == "neu ?\n"
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def test_failed_write_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "result.json"
    write_atomically(path, "old\n")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new\n")
    assert path.read_text(encoding="utf-8") == "old\n"


def test_lock_held_by_another_process_is_refused_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FileInUse), exclusive_lock(path, patience_s=0.2):
            pass
        holder.kill()
    with exclusive_lock(path):
        pass


def test_lock_is_released_at_the_end_of_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with exclusive_lock(tmp_path / "lock"):
            pass
        with pytest.raises(ZeroDivisionError), exclusive_lock(tmp_path / "lock"):
            raise ZeroDivisionError


def test_byte_is_locked_and_unlocked(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "claims", os.O_RDWR | os.O_CREAT)
    assert lock_byte(descriptor, 2**59)
    unlock_byte(descriptor, 2**59)
    os.close(descriptor)


def test_system_without_posix_locks_is_refused_in_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_LOCKS]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "expected Linux or macOS" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "runs/\ud800/x"])
def test_text_that_is_no_name_of_a_file_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of a file or folder, got"):
        check_name(name)
    for setting in ("data_dir", "test_data", "store"):
        with pytest.raises(ConfigurationError, match=f"setting '{setting}': expected the name of a file"):
            make_settings({"task": "sum", setting: name})
    with pytest.raises(ConfigurationError, match="expected the name of a file"):
        optimize("sum", out=name)
    for key in ("out", "tasks", "methods", "models"):
        value = {name: {"method": "uniform"}} if key == "methods" else {name: {}} if key == "models" else name
        with pytest.raises(ConfigurationError, match="expected the name of a file"):
            make_plan({"tasks": "sum", "methods": "uniform", key: value})


def test_name_of_bytes_that_are_no_utf8_is_accepted() -> None:
    check_name(os.fsdecode(b"runs/\xff"))


@pytest.mark.parametrize("setting", ["writer", "test_data", "task"])
def test_name_longer_than_files_have_gets_sentence(tmp_path: Path, setting: str) -> None:
    settings = {"task": "sum", "blackbox": "scripted:obey", setting: f"{300 * 'x'}.jsonl"}
    with pytest.raises(UserError):
        optimize(**settings, out=tmp_path / "run")
