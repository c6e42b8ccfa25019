"""A key in the environment is in no file, output, error or process title, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instructzero.testing import Endpoint, Fault, Faults

KEY = "sk-MARKERq7f3xk9cjz5wv2"
PARTS = ("MARKER", "q7f3xk", "jz5wv2")  # no part may occur in a random identifier by chance
QUICK = (
    "--writer",
    "scripted:phrases",
    "--blackbox",
    "openai:m",
    "--evaluations",
    "4",
    "--initial",
    "4",
    "--retries",
    "0",
)


def outcome(folder: Path, base_url: str, *more: str) -> tuple[int, bytes]:
    """Return the exit code of a run in its own process, and all its files and output, process title included."""
    command = [sys.executable, "-m", "instructzero", "run", "--task", str(folder / "words.jsonl"), *QUICK]
    command += ["--base-url", base_url, "--timeout", "1", "--out", str(folder / "run"), *more]
    environment = {**os.environ, "OPENAI_API_KEY": KEY, "HOME": str(folder), "TMPDIR": str(folder)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        title = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        out, err = process.communicate(timeout=120)
    files = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return process.returncode, title + out + err + files


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (None, 0),
        (Fault.THROTTLED_SILENTLY, 2),
        (Fault.SERVER_ERROR, 2),
        (Fault.RESET_MIDWAY, 2),
        (Fault.HTML, 2),
        (Fault.WRONG_TYPES, 2),
        (Fault.HANG, 2),
    ],
)
def test_key_is_nowhere_in_files_and_output(tmp_path: Path, task_file: Path, fault: Fault | None, code: int) -> None:
    faults = Faults({fault: 1.0}) if fault else Faults()
    with Endpoint(lambda prompt: prompt, faults=faults) as endpoint:
        found, everything = outcome(tmp_path, endpoint.base_url)
    assert found == code
    assert len(everything) > 100
    assert not [part for part in PARTS if part.encode() in everything]


@pytest.mark.parametrize("more", [("--max-calls", "3"), ("--dry-run",), ("--metric", "nonsense")])
def test_key_is_nowhere_after_refusal_or_early_stop(tmp_path: Path, task_file: Path, more: tuple[str, ...]) -> None:
    with Endpoint(lambda prompt: prompt) as endpoint:
        _, everything = outcome(tmp_path, endpoint.base_url, *more)
    assert not [part for part in PARTS if part.encode() in everything]


def test_key_repeated_by_server_is_not_in_message(tmp_path: Path, task_file: Path) -> None:
    """The endpoint repeats its request: no prompt contains the key, so only a header could bring it."""
    code, everything = outcome(tmp_path, "http://127.0.0.1:9/v1")
    assert code == 2
    assert b"cannot be reached" in everything
    assert not [part for part in PARTS if part.encode() in everything]
