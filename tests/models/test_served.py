"""The embedded black box gives the same scores behind a real OpenAI-compatible server as in this process."""

import sys
from pathlib import Path

import pytest

import instructzero
from instructzero.models.packed import embedded_folder
from tests.serving import free_port, serving

EMBEDDED = embedded_folder()


@pytest.fixture(scope="module")
def served():
    """Start `transformers serve` with the embedded black box and return its address."""
    port = free_port()
    program = Path(sys.executable).with_name("transformers")
    command = [program, "serve", EMBEDDED / "blackbox", "--device", "cpu", "--host", "127.0.0.1", "--port", port]
    with serving(command, port=port, ready="/health") as address:
        yield f"{address}/v1"


def test_run_through_openai_gives_the_scores_of_the_run_through_hf(served, tmp_path):
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
