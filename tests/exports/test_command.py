"""The command ``export``: formats, files and the terminal."""

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
def test_export_writes_the_same_to_file_and_pipe(
    run: Path, form: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    export_run(run, form, str(tmp_path / "out"))
    export_run(run, form)
    assert capfdbinary.readouterr().out == (tmp_path / "out").read_bytes() != b""


def test_export_txt_equals_instruction_txt(run: Path, tmp_path: Path) -> None:
    export_run(run, "txt", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == (run / "instruction.txt").read_bytes()


def test_export_to_terminal_replaces_control_characters(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    export_run(run, "txt")
    assert sys.stdout.getvalue() == "Reverse it, é.\n\N{REPLACEMENT CHARACTER}[2J\n"  # type: ignore[attr-defined]


def test_export_with_unknown_format_raises_error(run: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected one of the formats txt, json, .*, got 'yaml'"):
        export_run(run, "yaml")


@pytest.mark.parametrize("name", ["journal.jsonl", "settings.yaml", "../run/result.json"])
def test_export_to_a_file_of_the_run_raises_error(run: Path, name: str) -> None:
    before = (run / name).read_bytes()
    with pytest.raises(ConfigurationError, match="expected a separate file for the export"):
        export_run(run, "csv", str(run / name))
    assert (run / name).read_bytes() == before


def test_export_to_unwritable_file_raises_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"cannot write to .*: No such file or directory; choose another file"):
        export_run(run, "txt", str(tmp_path / "nowhere" / "out"))
