"""Checks of the installation, to answer the first questions of a bug report."""

from __future__ import annotations

import asyncio
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from instructzero.cli.doctor.findings import Finding, State
from instructzero.types import Message, Request

_LIBRARIES = ("torch", "transformers", "httptools", "scipy", "numpy")


def examine_installation() -> Iterator[Finding]:
    """Yield what the checks of this installation find."""
    checks: dict[str, Callable[[], str]] = {
        "python": lambda: f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores",
        "libraries": lambda: ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "accelerator": _accelerator,
        "embedded models": _embedded_models,
        "working directory": _writable,
        "OPENAI_API_KEY": lambda: (
            "set" if os.environ.get("OPENAI_API_KEY") else "not set (required for openai: models only)"
        ),
    }
    for name, check in checks.items():
        yield _finding(name, check)


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, check())
    except Exception as error:  # any fault of an installation is a finding, not a crash
        return Finding(name, str(error).splitlines()[0] if str(error) else type(error).__name__, State.FAIL)


def _accelerator() -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"none; {torch.get_num_threads()} CPU threads"


def _embedded_models() -> str:
    """Load both embedded models and generate with each, which shows that their files are intact."""
    from instructzero.models.registry import load_blackbox, load_writer

    writer = load_writer("embedded:writer", device="cpu")
    text = writer.generate(None, "", "Input: a\nOutput: b", max_new_tokens=4, special_tokens=True)[0]
    blackbox = load_blackbox("embedded:blackbox", device="cpu")
    answer = asyncio.run(blackbox.complete(Request((Message("user", "Instruction: add\n\nInput: 1 2\n\nOutput:"),), 4)))
    return f"both answer (writer {text!r}, black box {answer.text!r})"


def _writable() -> str:
    with tempfile.NamedTemporaryFile(dir=Path.cwd()):
        return f"{Path.cwd()} is writable"
