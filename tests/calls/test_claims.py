from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from instructzero.calls.claims import Claims

KEY, OTHER = "5eed" * 16, "beef" * 16

HOLDER = """
import sys
from instructzero.calls.claims import Claims
claims = Claims(sys.argv[1])
print(claims.take(sys.argv[2]), flush=True)
sys.stdin.readline()
claims.give_back(sys.argv[2])
print("gave back", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which claims KEY, and gives it back when it is sent a line."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "claims"), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert heard(process) == "True"
        yield process
        process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_one_process_at_a_time_has_a_claim(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    claims = Claims(tmp_path / "claims")
    assert not claims.take(KEY)
    assert claims.take(OTHER)
    tell(holder)
    assert heard(holder) == "gave back"
    assert claims.take(KEY)
    claims.close()


def test_a_killed_process_holds_nothing(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    claims = Claims(tmp_path / "claims")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert claims.take(KEY)
    claims.close()


def test_a_refused_claim_is_not_given_back_for_its_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    claims = Claims(tmp_path / "claims")
    assert not claims.take(KEY)
    claims.give_back(KEY)
    assert not claims.take(KEY)
    claims.close()


def test_closing_gives_everything_back(tmp_path: Path) -> None:
    first = Claims(tmp_path / "claims")
    assert first.take(KEY)
    first.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "claims"), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert heard(process) == "True"
        process.kill()


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_claim_is_had_once_within_a_process(tmp_path: Path, on_disk: bool) -> None:
    claims = Claims(tmp_path / "claims" if on_disk else None)
    assert claims.take(KEY)
    assert not claims.take(KEY)
    claims.give_back(KEY)
    claims.give_back(KEY)
    assert claims.take(KEY)
    claims.close()


def test_the_file_stays_empty(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    claims.take(KEY)
    claims.close()
    assert (tmp_path / "claims").stat().st_size == 0
