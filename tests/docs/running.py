"""Run a page of the documentation: set-ups, files, commands and code in their order, in one folder.

How a page is written so that it runs:

- ``bash``: one command after the other. ``instructzero ...`` runs in the process of the test, everything else in bash,
  with the environment of the tests on ``PATH``. Variables and ``cd`` hold for the rest of the page. A command that ends
  in ``&`` is a server: the next command starts when it listens, and it is stopped at the end of the page.
- ``python``: code in one namespace a page, also with ``await``.
- a block with ``title="NAME"``: written to the file NAME, nothing is run.
- ``text`` directly below: the expected output. Clock times and dates are ignored; a line ``...`` stands for any lines.
- ``json``, ``jsonl``, ``yaml``, ``toml``, ``csv`` and ``text`` elsewhere: shown, and read by a parser.
- ``<!-- setup: NAME -->``: calls the function NAME of ``tests/docs/setups.py`` at this place; several with commas.
- ``<!-- exit code: 2 -->`` directly above: the last command of the block fails with this code.
- ``<!-- not run: REASON -->`` directly above: not run, for one of `REASONS`. Flags are still checked.

A service that is named (``openai:gpt-4o-mini``) is `instructzero.testing.Endpoint` with its listed prices, which
answers `stand_ins.answer_about_words` unless a set-up assigns ``running.script.answer``. The keys of OpenAI and
Anthropic are in the environment, and the folder is empty at the beginning. See `stand_ins` for models and ports.

    pytest tests/docs -k 'limit-cost'          # one page
"""

from __future__ import annotations

import ast
import asyncio
import csv
import inspect
import io
import json
import linecache
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer
import yaml

from instructzero.cli.app import app
from instructzero.testing import Endpoint
from tests.command_line import call
from tests.docs import setups
from tests.docs.blocks import Block, Comment, Page
from tests.docs.shell import Shell, calls_of, commands_of, is_background, is_plain
from tests.docs.stand_ins import Script, StandIns, official, services_at

REASONS = ("package index", "network", "GPU", "vLLM", "SGLang", "Slurm", "Ray", "Docker", "hours", "an editor", "Node")
"""The only reasons for a block that is not run; one of them is in its comment."""

SHOWN = ("json", "jsonl", "yaml", "toml", "csv", "text")

_CLOCK = re.compile(r"\b\d+:\d\d:\d\d\b|\b\d{4}-\d\d-\d\d \d\d:\d\d\b|\b\d+(?:\.\d+)? (?:m?s|seconds)\b")
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
_REAL_COMMANDS = typer.main.get_command(app)


class Failed(Exception):
    """A block that does not do what the page says."""


class Running:
    """A page that runs, in the folder ``folder``; set-ups receive it.

    Attributes
    ----------
    page, folder
        The page, and the current folder of its commands.
    script
        The stand-in for services: ``script.answer`` is its function from prompt to answer.
    stand_ins
        What is used in the place of what the page shows.
    namespace
        The names of the page's Python code.
    endpoint
        The server that stands in for services.
    """

    def __init__(self, page: Page, folder: Path, call: Callable[..., tuple[int, str, str]]) -> None:
        self.page = page
        self.folder = folder / "page"
        self.folder.mkdir()
        self.script = Script()
        self.stand_ins = StandIns(page.path.read_text(encoding="utf-8"), folder)
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.endpoint = Endpoint(self.script)
        self.shell = Shell(folder)
        self._call = call
        self._programs = folder / "bin"

    def write(self, name: str, text: str) -> Path:
        """Write a file into the page's folder, with its ports as they are used, and return its path."""
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.stand_ins.real(text), encoding="utf-8")
        self._forget_modules()
        return path

    def failure(self) -> str:
        """Run everything; return what is wrong with the first block that does not do what the page says, or ""."""
        with self._prepared():
            for step in self.page.steps:
                try:
                    self._step(step)
                except Failed as failure:
                    return f"{self.page.path}:{step.line}: {failure}"
        return ""

    def instructzero(self, *arguments: object) -> str:
        """Run a command for a set-up, and return its output."""
        code, out, err = self._call(*arguments)
        if code:
            raise Failed(f"instructzero {' '.join(map(str, arguments))}: exit code {code}\n{out}{err}")
        return out

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        path = [*sys.path]
        with ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ))
            stack.enter_context(chdir(self.folder))
            stack.enter_context(self.endpoint)
            stack.enter_context(self.shell)
            stack.enter_context(services_at(self.endpoint.root))
            self._make_programs()
            os.environ.update({"COLUMNS": "80", "NO_COLOR": "1", **dict.fromkeys(_KEYS, "key-of-the-tests")})
            try:
                yield
            finally:
                sys.path[:] = path
                self._forget_modules()

    def _make_programs(self) -> None:
        """Put ``instructzero`` with the stand-in for services on the path, before the environment of the tests."""
        self._programs.mkdir()
        shim = self._programs / "instructzero"
        shim.write_text(
            f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("shim.py")} {self.endpoint.root} "$@"\n'
        )
        shim.chmod(0o700)
        found = Path(sys.executable).parent
        os.environ["PATH"] = os.pathsep.join([str(self._programs), str(found), os.environ.get("PATH", "")])

    def _step(self, step: Comment | Block) -> None:
        if isinstance(step, Comment):
            self._set_up(step)
        elif step.not_run:
            self._check_reason(step)
        elif step.title:
            self.write(step.title, step.text)
        elif step.language == "bash":
            self._compare(step, self._run_commands(step))
        elif step.language == "python":
            self._compare(step, self._run_code(step))
        else:
            _check_shown(step)

    def _set_up(self, comment: Comment) -> None:
        for name in re.split(r", *", comment.value):
            function = getattr(setups, name.replace("-", "_"), None)
            if not inspect.isfunction(function) or name.startswith("_"):
                raise Failed(f"expected the name of a function in tests/docs/setups.py, got the set-up {name}")
            function(self)

    def _check_reason(self, block: Block) -> None:
        if not any(reason in block.not_run for reason in REASONS):
            raise Failed(f"expected one of the reasons {', '.join(REASONS)}, got {block.not_run!r}")
        if block.language == "python":
            ast.parse(block.text)
        if block.language == "bash":
            for command in commands_of(block.text):
                for arguments in calls_of(command):
                    _parse_flags(arguments)

    def _run_commands(self, block: Block) -> str:
        commands = [*commands_of(self.stand_ins.real(block.text))]
        said = ""
        for number, command in enumerate(commands, 1):
            code, output = self._run_command(command)
            said += output
            expected = block.exit_code if number == len(commands) else 0
            if code != expected:
                raise Failed(f"expected exit code {expected}, got {code}\n$ {command}\n{self._as_shown(output)}")
        return said

    def _run_command(self, command: str) -> tuple[int, str]:
        if is_background(command):
            return self.shell.start(command)
        if not is_plain(command):
            return self.shell.run(command)
        code, out, err = self._call(*self.shell.expand(command)[1:])
        return code, out + err

    def _run_code(self, block: Block) -> str:
        source = self.stand_ins.real(block.text)
        name = f"<{self.page.name}:{block.line}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # for inspect.getsource
        said = io.StringIO()
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            code = compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with redirect_stdout(said), redirect_stderr(said):
                waits = eval(code, self.namespace)
                if inspect.iscoroutine(waits):
                    asyncio.run(waits)
        except Exception as error:
            raise Failed(f"{type(error).__name__}: {error}\n{self._as_shown(said.getvalue())}") from error
        return said.getvalue()

    def _compare(self, block: Block, output: str) -> None:
        if block.output is None:
            return
        expected, got = _lines(block.output), _lines(self._as_shown(output))
        if not _matches(expected, got):
            shown = "\n".join(got)
            raise Failed(f"expected the output\n{block.output}\ngot the output\n{shown}")

    def _as_shown(self, text: str) -> str:
        text = text.replace(f"{self.folder}/", "").replace(str(self.folder), ".")
        for kind, address in official(self.endpoint.root).items():
            text = text.replace(address, {"openai": "https://api.openai.com/v1"}.get(kind, "https://api.anthropic.com"))
        return self.stand_ins.shown(text)

    def _forget_modules(self) -> None:
        """Forget modules of the page, because another page may have other ones of the same name."""
        for name, module in [*sys.modules.items()]:
            if str(getattr(module, "__file__", None) or "").startswith(f"{self.folder}{os.sep}"):
                del sys.modules[name]
        shutil.rmtree(Path.cwd() / "__pycache__", ignore_errors=True)


def _parse_flags(arguments: list[str]) -> None:
    """Parse a command that is not run, so that a flag which does not exist is found."""
    try:
        context = _REAL_COMMANDS.make_context("instructzero", [*arguments], resilient_parsing=False)
        with context:
            name, command, rest = _REAL_COMMANDS.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[attr-defined]
            command.make_context(name, rest, parent=context)
    except typer.Exit:
        return
    except Exception as error:
        raise Failed(f"instructzero {' '.join(arguments)}: {getattr(error, 'message', error)}") from None


def _check_shown(block: Block) -> None:
    """Read a block that is only shown with the parser of its language."""
    parsers: dict[str, Callable[[str], object]] = {
        "json": json.loads,
        "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
        "yaml": yaml.safe_load,
        "toml": tomllib.loads,
        "csv": lambda text: [*csv.reader(io.StringIO(text), strict=True)],
        "text": str,
    }
    if block.language not in parsers:
        raise Failed(f"expected bash, python or one of {', '.join(SHOWN)} after the fence, got {block.language!r}")
    try:
        parsers[block.language](block.text)
    except ValueError as error:
        raise Failed(f"expected {block.language}, got a text that is none: {error}") from None


def _lines(text: str) -> list[str]:
    return [_CLOCK.sub("0:00:00", line).rstrip() for line in text.strip("\n").splitlines()]


def _matches(expected: list[str], got: list[str]) -> bool:
    """Return True if the lines are equal, where ``...`` stands for any lines."""
    if not expected:
        return not got
    if expected[0].strip() == "...":
        return any(_matches(expected[1:], got[start:]) for start in range(len(got) + 1))
    return bool(got) and expected[0] == got[0] and _matches(expected[1:], got[1:])


def run_page(page: Page, folder: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
    """Run a page in a folder, or fail with page, line and output."""
    running = Running(page, folder, lambda *arguments: call(patch, captured, *arguments))
    if failure := running.failure():
        pytest.fail(failure, pytrace=False)
