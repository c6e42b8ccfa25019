"""No export replaces a file of a run or of a call store, whatever its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.calls.store import CallStore
from instructzero.cli.calls import print_calls
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.exports.command import export_run
from instructzero.exports.drawing import new_figure, save
from instructzero.exports.targets import check_links, check_target, target_file
from tests.run_directories import write_run

OF_A_RUN = ("settings.yaml", "journal.jsonl", "result.json", "instruction.txt", "lock")
NOT_YET = ("report.html", "run-id", "calls.sqlite", "waiting.json", "cell.json", "timing.json")


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, and beside its folder the store `shared`."""
    folder = tmp_path_factory.mktemp("here")
    with CallStore(folder / "shared"):
        pass
    return write_run(folder / "run")


def relative(path: Path, folder: Path) -> Path:
    return Path(os.path.relpath(path))


def detour(path: Path, folder: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


def linked(path: Path, folder: Path) -> Path:
    (folder / "link").symlink_to(path)
    return folder / "link"


def linked_folder(path: Path, folder: Path) -> Path:
    (folder / "folder").symlink_to(path.parent)
    return folder / "folder" / path.name


def upper_case(path: Path, folder: Path) -> Path:
    return path.with_name(path.name.upper())


def same(path: Path, folder: Path) -> Path:
    return path


@pytest.mark.parametrize("other_name", [same, relative, detour, linked, linked_folder, upper_case])
@pytest.mark.parametrize("name", [*OF_A_RUN, *NOT_YET])
def test_files_of_a_run_are_refused_by_any_name(
    run: Path, tmp_path: Path, name: str, other_name: Callable[[Path, Path], Path]
) -> None:
    before = snapshot(run)
    with pytest.raises(ConfigurationError, match=r"expected a separate file for the export, got .* belongs to the run"):
        check_target(other_name(run / name, tmp_path))
    assert snapshot(run) == before


@pytest.mark.parametrize("name", OF_A_RUN)
def test_hard_links_to_files_of_a_run_are_refused(run: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").hardlink_to(run / name)
    before = snapshot(run)
    with pytest.raises(ConfigurationError, match=r"is the journal of a run|has other names"):
        export_run(run, "txt", str(tmp_path / "link"))
    (tmp_path / "link").unlink()
    assert snapshot(run) == before


@pytest.mark.parametrize("name", ["shared", "shared-wal", "shared-shm", "shared-journal", "shared-claims"])
def test_files_of_a_store_are_refused(run: Path, name: str) -> None:
    path = run.parent / name
    for export in (
        lambda: export_run(run, "txt", str(path)),
        lambda: print_calls(run.parent / "shared", export=str(path)),
    ):
        with pytest.raises(ConfigurationError, match="belongs to a call store or another database"):
            export()
    with CallStore(run.parent / "shared") as store:
        assert len(store) == 0


def test_journal_that_was_copied_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes((run / "journal.jsonl").read_bytes())
    with pytest.raises(ConfigurationError, match="is the journal of a run"):
        export_run(run, "json", str(tmp_path / "copy"))


def test_files_of_another_run_are_refused(run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", instruction="Other.")
    (other / "report.html").write_text("theirs")
    before = snapshot(other)
    for name in (*OF_A_RUN, *NOT_YET):
        with pytest.raises(ConfigurationError):
            export_run(run, "txt", str(other / name))
    assert snapshot(other) == before


def test_figures_do_not_replace_a_journal_through_a_hard_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "map.png").hardlink_to(run / "journal.jsonl")
    before = snapshot(run)
    with pytest.raises(ConfigurationError, match="is the journal of a run"):
        save(new_figure(1, 1), tmp_path / "map")
    assert snapshot(run) == before


def test_other_files_are_replaced_also_those_of_earlier_exports(run: Path, tmp_path: Path) -> None:
    for _ in range(2):
        export_run(run, "json", str(tmp_path / "result.json"))
    export_run(run, "txt", str(run / "best.txt"))
    assert (run / "best.txt").read_text() == "Reverse the word.\n"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere.txt")
    export_run(run, "txt", str(tmp_path / "link"))
    assert (tmp_path / "elsewhere.txt").read_text() == "Reverse the word.\n"
    (run / "best.txt").unlink()


@pytest.mark.parametrize(
    "spelled", ["run/l", "l1/l", "l1/../run/l", "./run/../run/l", "l1/l/v.txt", "out/v.txt", "run/c"]
)
@pytest.mark.parametrize("is_absolute", [True, False])
def test_link_in_a_run_directory_is_refused_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelled: str, is_absolute: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "journal.jsonl").touch()
    (tmp_path / "run" / "l").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "run" / "c").symlink_to("c")
    (tmp_path / "l1").symlink_to("run")
    (tmp_path / "out").symlink_to("l1/l")
    path = tmp_path / spelled if is_absolute else Path(spelled)
    for check in (check_target, check_links):
        with pytest.raises(ConfigurationError, match="a link in a run directory"):
            check(path)


def test_run_directory_below_linked_folders_takes_exports(run: Path, tmp_path: Path) -> None:
    (tmp_path / "parent").symlink_to(run.parent)
    (tmp_path / "direct").symlink_to(run)
    for folder in (tmp_path / "parent" / "run", tmp_path / "direct"):
        export_run(run, "txt", str(folder / "best.txt"))
        assert save(new_figure(1, 1), folder / "figures" / "map")
        (run / "best.txt").unlink()


def test_figures_below_a_link_in_a_run_directory_are_refused(run: Path, tmp_path: Path) -> None:
    (run / "sub").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="got the link"):
        export_run(run, "figures", str(run / ".." / "run" / "sub" / "new"))
    (run / "sub").unlink()
    assert list(tmp_path.iterdir()) == []


def test_export_to_a_device_is_written(run: Path) -> None:
    export_run(run, "txt", os.devnull)
    with pytest.raises(RunDirectoryError, match="cannot write to /dev/full: No space left on device"):
        export_run(run, "txt", "/dev/full")


@settings(deadline=None, max_examples=40)
@given(name=st.sampled_from((*OF_A_RUN, *NOT_YET)), content=st.binary(max_size=99).map(lambda rest: b"x" + rest))
def test_content_of_a_folder_that_holds_no_run_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    """A name alone protects nothing: the folder must hold a run."""
    path = tmp_path_factory.mktemp("folder") / name
    path.write_bytes(content)
    with target_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
