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
    """Start another process that claims KEY, and releases it when it receives a line."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "claims"), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert received(process) == "True"
        yield process
        process.kill()


def received(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_claim_is_held_by_one_process_at_a_time(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    claims = Claims(tmp_path / "claims")
    assert not claims.take(KEY)
    assert claims.take(OTHER)
    tell(holder)
    assert received(holder) == "gave back"
    assert claims.take(KEY)
    claims.close()


def test_killed_process_releases_its_claims(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    claims = Claims(tmp_path / "claims")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert claims.take(KEY)
    claims.close()


def test_give_back_of_refused_claim_keeps_its_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    claims = Claims(tmp_path / "claims")
    assert not claims.take(KEY)
    claims.give_back(KEY)
    assert not claims.take(KEY)
    claims.close()


def test_close_releases_all_claims(tmp_path: Path) -> None:
    first = Claims(tmp_path / "claims")
    assert first.take(KEY)
    first.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "claims"), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert received(process) == "True"
        process.kill()


@pytest.mark.parametrize("on_disk", [True, False])
def test_claim_taken_twice_in_one_process_is_refused(tmp_path: Path, on_disk: bool) -> None:
    claims = Claims(tmp_path / "claims" if on_disk else None)
    assert claims.take(KEY)
    assert not claims.take(KEY)
    claims.give_back(KEY)
    claims.give_back(KEY)
    assert claims.take(KEY)
    claims.close()


def test_claims_file_stays_empty(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    claims.take(KEY)
    claims.close()
    assert (tmp_path / "claims").stat().st_size == 0


def test_users_in_one_process_see_the_claims_of_each_other(tmp_path: Path) -> None:
    first, second = Claims(tmp_path / "claims"), Claims(tmp_path / "x" / ".." / "claims")
    assert first.take(KEY)
    assert not second.take(KEY)
    second.give_back(KEY)
    assert not second.take(KEY)
    first.give_back(KEY)
    assert second.take(KEY)
    first.close()
    second.close()


def test_closing_one_user_keeps_the_claims_of_another(tmp_path: Path) -> None:
    first, second = Claims(tmp_path / "claims"), Claims(tmp_path / "claims")
    assert first.take(KEY)
    assert second.take(OTHER)
    second.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "claims"), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert received(process) == "False"
        process.kill()
    first.close()
