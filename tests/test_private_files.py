"""Files that hold data of a run are readable by their owner only, unless they are shared."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import instructzero
from instructzero.calls.claims import Claims
from instructzero.calls.store import CallStore
from instructzero.exports.command import export_run
from instructzero.files import create_private, make_folder, sharing, write_atomically
from instructzero.report import write_report


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): mode(path) for path in (folder, *folder.rglob("*"))}


def run(scripted: dict[str, object], folder: Path, **more: object) -> None:
    instructzero.optimize(**{**scripted, "evaluations": 4, **more}, directory=folder)


def test_run_creates_files_for_its_owner_only(tmp_path: Path, scripted: dict[str, object]) -> None:
    run(scripted, tmp_path / "run", store=tmp_path / "shared.sqlite")
    export_run(tmp_path / "run", "csv", str(tmp_path / "trials.csv"))
    found = modes(tmp_path / "run")
    assert found.pop(".") == 0o700
    assert {"settings.yaml", "journal.jsonl", "result.json", "report.html", "run-id"} <= found.keys()
    assert set(found.values()) == {0o600}
    assert mode(tmp_path / "trials.csv") == mode(tmp_path / "shared.sqlite") == 0o600


def test_run_in_existing_folder_creates_files_for_its_owner_only(tmp_path: Path, scripted: dict[str, object]) -> None:
    (tmp_path / "run").mkdir()
    run(scripted, tmp_path / "run")
    found = modes(tmp_path / "run")
    assert found.pop(".") == 0o755
    assert set(found.values()) == {0o600}


def test_shared_run_creates_files_as_the_umask_says(tmp_path: Path, scripted: dict[str, object]) -> None:
    run(scripted, tmp_path / "run", share=True)
    (tmp_path / "run" / "report.html").unlink()
    write_report(tmp_path / "run")
    found = modes(tmp_path / "run")
    assert found.pop(".") == 0o755
    assert found == dict.fromkeys(found, 0o644)


def test_existing_files_keep_their_modes(tmp_path: Path, scripted: dict[str, object]) -> None:
    run(scripted, tmp_path / "run")
    for name in ("report.html", "journal.jsonl", "calls.sqlite"):
        (tmp_path / "run" / name).chmod(0o640)
    run(scripted, tmp_path / "run", evaluations=6)
    found = modes(tmp_path / "run")
    assert {found[name] for name in ("report.html", "journal.jsonl", "calls.sqlite")} == {0o640}


def test_log_of_an_open_store_and_its_claims_are_private(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store, closing(Claims(tmp_path / "claims")):
        list(store.export())
        files = modes(tmp_path)
    assert files.pop(".")
    assert "calls.sqlite-wal" in files
    assert files == dict.fromkeys(files, 0o600)


def test_private_file_is_created_once_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("kept")
    for name in ("old", "new"):
        create_private(tmp_path / name)
    create_private(tmp_path / "missing" / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]
    assert (tmp_path / "old").read_text() == "kept"


def test_sharing_ends_with_its_block_also_by_an_error(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), sharing(True):
        make_folder(tmp_path / "shared")
        raise ZeroDivisionError
    write_atomically(tmp_path / "private", "text")
    assert (mode(tmp_path / "shared"), mode(tmp_path / "private")) == (0o755, 0o600)


def test_store_in_a_shared_run_may_be_written_by_the_group_as_the_umask_says(tmp_path: Path) -> None:
    os.umask(0o002)  # restored by the fixture
    with sharing(True), CallStore(tmp_path / "calls.sqlite") as store:
        list(store.export())
        assert mode(tmp_path / "calls.sqlite") == mode(tmp_path / "calls.sqlite-wal") == 0o664
