"""Shell completion, with the protocol that the installed script of bash uses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instructzero.cli.options import completion

SCRIPT = Path(sys.executable).with_name("instructzero")


def completed(*words: str) -> list[str]:
    """Return the completions of the last word."""
    protocol = {
        "_INSTRUCTZERO_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["instructzero", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run([SCRIPT], env={**os.environ, **protocol}, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("meth",), ["methods"]),
        (("run", "--kern"), ["--kernel"]),
        (("run", "--kernel", "co"), ["coupled", "corrected"]),
        (("run", "--racing", "y"), ["yes"]),
        (("run", "--method", "evo"), ["evoprompt-de", "evoprompt-ga"]),
        (("run", "--task", "ant"), ["antonyms"]),
        (("bench", "--methods", "ape,ins"), ["ape,instinct", "ape,instructzero"]),
        (("bench", "--engine", "s"), ["slurm"]),
        (("export", "here", "--format", "c"), ["csv", "curl"]),
    ],
)
def test_bash_completes_flags_and_values(words: tuple[str, ...], expected: list[str]) -> None:
    assert completed(*words) == expected


def test_show_completion_prints_script_of_shell() -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [SCRIPT, "--show-completion", "bash"], env=environment, capture_output=True, text=True, check=True
    )
    assert "_INSTRUCTZERO_COMPLETE=complete_bash" in done.stdout


def test_completion_of_list_completes_last_value() -> None:
    complete = completion(lambda: ["uniform", "paper"])
    assert complete("uniform,p") == ["uniform,paper"]
    assert complete("") == ["uniform", "paper"]
    assert complete("x") == []
