"""The embedded black box behind a real OpenAI-compatible server gives the scores that it gives in this process."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import instructzero
from instructzero.models.registry import EMBEDDED_FOLDER as EMBEDDED


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def served():
    """The address of `transformers serve` with the embedded black box."""
    port = free_port()
    command = [Path(sys.executable).with_name("transformers"), "serve", EMBEDDED / "blackbox", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(url, process, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the server did not answer within {seconds} s")


def test_the_same_run_through_openai_and_through_hf_gives_the_same_scores(served, tmp_path):
    folder = EMBEDDED / "blackbox"
    settings = {"evaluations": 6, "initial": 6, "validation": 10, "test": 20, "answer_tokens": 32}
    local = instructzero.optimize(
        "first_word_letter", blackbox=f"hf:{folder}", directory=tmp_path / "local", **settings
    )
    remote = instructzero.optimize(
        "first_word_letter", blackbox=f"openai:{folder}", base_url=served, directory=tmp_path / "remote", **settings
    )
    assert [trial.evaluation.scores for trial in remote.trials] == [trial.evaluation.scores for trial in local.trials]
    assert [trial.evaluation.predictions for trial in remote.trials] == [
        trial.evaluation.predictions for trial in local.trials
    ]
    assert (remote.best.test.scores, remote.plain.test.scores) == (local.best.test.scores, local.plain.test.scores)
