"""The marks of runs that were begun on this machine: outside the run directories, and of this user only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from instructzero.checks import check_begun_here
from instructzero.config import Settings
from instructzero.errors import RunDirectoryError
from instructzero.records import begun
from instructzero.records.begun import is_begun_here, mark_begun, marks_file, refused_marks
from instructzero.records.directory import RunDirectory

SETTINGS = Settings(task="antonyms", blackbox="openai:m", metric="mine:score", evaluations=20)


class Forgetful(set[str]):
    """Remembers nothing, as a later process does."""

    def add(self, mark: str) -> None:
        pass


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(begun, "_this_process", Forgetful())
    (tmp_path / "run").mkdir()
    return RunDirectory(tmp_path / "run")


def changed(**values: object) -> Settings:
    return SETTINGS.model_copy(update=values)


def test_run_is_known_after_it_was_marked_and_the_file_is_private(run: RunDirectory) -> None:
    assert not is_begun_here(run, SETTINGS)
    for _ in range(2):
        mark_begun(run, SETTINGS)
    assert is_begun_here(run, SETTINGS)
    assert marks_file().stat().st_mode & 0o777 == 0o600
    assert len(marks_file().read_text(encoding="ascii").splitlines()) == 1
    assert run.identity not in marks_file().read_text(encoding="ascii")


@pytest.mark.parametrize(
    "other",
    [
        {"metric": "os:system"},
        {"blackbox": "python:subprocess:getoutput"},
        {"base_url": "http://evil.invalid/v1"},
        {"key_env": "HOME"},
        {"header": ("x: env:HOME",)},
        {"extra_body": {"a": 1}},
        {"task": "/etc/passwd.csv"},
        {"store": Path("/tmp/other.sqlite")},
    ],
    ids=str,
)
def test_changed_code_host_key_or_file_is_unknown(run: RunDirectory, other: dict[str, object]) -> None:
    mark_begun(run, SETTINGS)
    assert not is_begun_here(run, changed(**other))


def test_changed_numbers_and_switches_stay_known(run: RunDirectory) -> None:
    mark_begun(run, SETTINGS)
    assert is_begun_here(run, changed(evaluations=40, max_usd=1.5, stop_early=False))


def test_run_of_another_name_is_unknown(run: RunDirectory) -> None:
    mark_begun(run, SETTINGS)
    run.name.write_text("another\n", encoding="utf-8")
    assert not is_begun_here(run, SETTINGS)
    run.name.unlink()
    assert not is_begun_here(run, SETTINGS)


def test_marks_that_others_can_write_are_not_believed_and_not_extended(run: RunDirectory) -> None:
    mark_begun(run, SETTINGS)
    marks_file().chmod(0o620)
    assert not is_begun_here(run, SETTINGS)
    mark_begun(run, changed(seed=1, task="sum"))
    marks_file().chmod(0o600)
    assert not is_begun_here(run, changed(seed=1, task="sum"))


def test_link_in_the_place_of_the_marks_is_not_followed(run: RunDirectory, tmp_path: Path) -> None:
    marks_file().parent.mkdir(parents=True)
    marks_file().symlink_to(tmp_path / "elsewhere")
    mark_begun(run, SETTINGS)
    assert not (tmp_path / "elsewhere").exists()
    assert not is_begun_here(run, SETTINGS)


@pytest.mark.parametrize("state", ["/dev/null/state", "relative"])
def test_without_a_state_folder_nothing_is_remembered_and_nothing_fails(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", "/dev/null/home")
    mark_begun(run, SETTINGS)
    assert not is_begun_here(run, SETTINGS)


def test_without_a_home_directory_nothing_fails(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", none)
    mark_begun(run, SETTINGS)
    assert not is_begun_here(run, SETTINGS)


def test_marks_of_several_threads_are_all_kept(run: RunDirectory) -> None:
    settings = [changed(task=f"task-{number}") for number in range(32)]
    name = run.identity
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: mark_begun(run, one), settings))
    assert name == run.identity
    assert all(is_begun_here(run, one) for one in settings)


def test_refusal_names_marks_that_are_not_believed_and_the_cause(run: RunDirectory, tmp_path: Path) -> None:
    mark_begun(run, SETTINGS)
    assert refused_marks() == ""
    marks_file().chmod(0o620)
    with pytest.raises(RunDirectoryError) as caught:
        check_begun_here(run, SETTINGS, "add --trust")
    assert str(marks_file()) in str(caught.value).split("\n")[-1]
    assert "others may write the file" in caught.value.appendix[-1]
    marks_file().rename(tmp_path / "elsewhere")
    marks_file().symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in refused_marks()
