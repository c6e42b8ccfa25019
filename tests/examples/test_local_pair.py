"""The example of a local pair runs with tiny models on a CPU."""

from __future__ import annotations

import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import typer
from transformers import LlamaConfig, LlamaForCausalLM

from instructzero.cli.app import app
from instructzero.finished_run import FinishedRun
from tests.examples.walkthrough import EXAMPLES, commands
from tests.models.conftest import byte_tokenizer

FOLDER = EXAMPLES / "local_pair"


def save_model(folder: Path) -> Path:
    """Save a random model that reads long prompts, as bytes."""
    config = LlamaConfig(
        vocab_size=259,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=2048,
        initializer_range=0.4,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    byte_tokenizer(chat=True).save_pretrained(folder)
    return folder


def test_script_searches_with_two_local_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    script = shutil.copy(FOLDER / "run.py", tmp_path)
    shutil.copy(FOLDER / "words.csv", tmp_path)
    pair = {"--writer": save_model(tmp_path / "writer"), "--blackbox": save_model(tmp_path / "blackbox")}
    given = [str(word) for option in pair.items() for word in option]
    monkeypatch.setattr(sys, "argv", ["run.py", *given, "--device", "cpu", "--dtype", "float32", "--evaluations", "4"])
    runpy.run_path(script, run_name="__main__")
    run = FinishedRun.read(tmp_path / "runs" / "local_pair")
    assert (run.settings.device, run.settings.dtype) == ("cpu", "float32")
    assert run.blackbox["backend"] == "huggingface"
    assert capfd.readouterr().out == f"{run.record['test_score']:.2f} {run.instruction!r}\n"


def test_command_of_the_readme_has_the_models_of_the_script() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    (command,) = commands(readme)
    (line,) = [line for line in readme.splitlines() if line.startswith("python run.py")]
    words = shlex.split(line)
    for option in ("--writer", "--blackbox"):
        assert command[command.index(option) + 1] == f"hf:{words[words.index(option) + 1]}"
    group = typer.main.get_command(app)
    group.commands["run"].make_context("run", command[1:])  # type: ignore[attr-defined]  # an unknown flag is an error
