from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from instructzero.calls.call import Call
from instructzero.calls.claims import Claims
from instructzero.calls.store import CallStore
from instructzero.types import Message, Request

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


@pytest.fixture
def elsewhere(tmp_path: Path) -> Callable[[str], bool]:
    """A function that returns True if another process can claim a key."""

    def can_take(key: str) -> bool:
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "claims"), key]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            taken = received(process) == "True"
            process.kill()
        return taken

    return can_take


def test_second_name_of_the_file_is_the_same_file_and_its_end_keeps_the_claims(
    tmp_path: Path, elsewhere: Callable[[str], bool]
) -> None:
    first = Claims(tmp_path / "claims")
    os.link(tmp_path / "claims", tmp_path / "other")
    (tmp_path / "link").symlink_to("other")
    assert first.take(KEY)
    for name in ("other", "link"):
        second = Claims(tmp_path / name)
        assert not second.take(KEY)
        second.close()
    assert not elsewhere(KEY)
    first.close()


def test_stores_named_by_links_claim_in_one_file(tmp_path: Path) -> None:
    call = Call.of({"model": "m"}, Request((Message("user", "ping"),)))
    (tmp_path / "link.sqlite").symlink_to("calls.sqlite")
    with CallStore(tmp_path / "calls.sqlite") as store, CallStore(tmp_path / "link.sqlite") as linked:
        assert store.claim(call)
        assert not linked.claim(call)
        store.release(call)
        assert linked.claim(call)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.sqlite", "calls.sqlite-claims", "link.sqlite"]


def test_replaced_file_is_another_file(tmp_path: Path) -> None:
    first = Claims(tmp_path / "claims")
    assert first.take(KEY)
    (tmp_path / "claims").unlink()
    second = Claims(tmp_path / "claims")
    assert second.take(KEY)
    first.close()
    assert not Claims(tmp_path / "claims").take(KEY)
    second.close()


def test_each_key_is_taken_by_one_of_many_threads(tmp_path: Path) -> None:
    keys, barrier = [f"{number:015x}" for number in range(50)], Barrier(8)

    def work(_: int) -> list[str]:
        claims = Claims(tmp_path / "claims")
        barrier.wait(10)
        taken = [key for key in keys if claims.take(key)]
        barrier.wait(10)
        claims.close()
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [key for found in threads.map(work, range(8)) for key in found]
    assert sorted(taken) == sorted(keys)
    last = Claims(tmp_path / "claims")
    assert all(map(last.take, keys))
    last.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_process_holds_no_claim_of_its_parent_and_takes_none_away(
    tmp_path: Path, elsewhere: Callable[[str], bool]
) -> None:
    claims = Claims(tmp_path / "claims")
    assert claims.take(KEY)
    if not (child := os.fork()):  # no assertion may leave the child
        own = Claims(tmp_path / "claims")
        results = [own.take(KEY), own.take(OTHER), own.take(OTHER)]
        claims.give_back(KEY)
        claims.close()
        own.close()
        os._exit(0 if results == [False, True, False] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not claims.take(KEY)
    assert not elsewhere(KEY)
    assert elsewhere(OTHER)
    claims.close()
