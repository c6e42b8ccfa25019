"""The command ``export``: formats by name, files and the terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.exports.command import FORMATS, export_run
from tests.run_directories import write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", instruction="Reverse it, é.\n\x1b[2J")


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_and_a_pipe_get_the_same(
    run: Path, form: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    export_run(run, form, str(tmp_path / "out"))
    export_run(run, form)
    assert capfdbinary.readouterr().out == (tmp_path / "out").read_bytes() != b""


def test_txt_is_the_runs_own_file(run: Path, tmp_path: Path) -> None:
    export_run(run, "txt", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == (run / "instruction.txt").read_bytes()


def test_a_terminal_is_not_steered(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    export_run(run, "txt")
    assert sys.stdout.getvalue() == "Reverse it, é.\n\N{REPLACEMENT CHARACTER}[2J\n"  # type: ignore[attr-defined]


def test_an_unknown_format(run: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected one of the formats txt, json, .*, got 'yaml'"):
        export_run(run, "yaml")


@pytest.mark.parametrize("name", ["journal.jsonl", "settings.yaml", "../run/result.json"])
def test_a_runs_own_file_is_no_target(run: Path, name: str) -> None:
    before = (run / name).read_bytes()
    with pytest.raises(ConfigurationError, match="expected a file of its own for the export"):
        export_run(run, "csv", str(run / name))
    assert (run / name).read_bytes() == before


def test_a_file_that_cannot_be_written(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"cannot write to .*: No such file or directory; choose another file"):
        export_run(run, "txt", str(tmp_path / "nowhere" / "out"))
