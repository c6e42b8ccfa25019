"""The command ``calls``: tables, search and export of a call store."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from instructzero.calls.call import Call
from instructzero.calls.store import BLACK_BOX, JUDGE, CallStore
from instructzero.cli.calls import find_store, print_calls
from instructzero.config import dump_yaml, make_settings
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.types import Completion, Message, Request, Usage

OFFICIAL = {"backend": "openai", "model": "gpt-4o-mini", "endpoint": "https://api.openai.com/v1"}
LOCAL = {"backend": "python", "function": "mine:answer"}


def request(text: str) -> Request:
    return Request((Message("system", "Be brief."), Message("user", text)))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with the calls of two runs, and one call from before there was a ledger."""
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "calls.sqlite"
    with CallStore(file) as store:
        answers = [
            (Call.of(OFFICIAL, request("cat")), Completion("chat", 1000, 1)),
            (Call.of(OFFICIAL, request("dog")), Completion("chien\x1b[2J\n\x9b31m", 1000, 2)),
        ]
        store.put_many(answers, run="abc1")
        store.put(Call.of(LOCAL, request("grade")), Completion("Grade: 9"), run="abc1", role=JUDGE)
        store.put(Call.of(LOCAL, request("bird")), Completion("oiseau", 30, 3), run="abd2")
        store.put_many([], run="abd2", role=BLACK_BOX, lost=[Usage(1, 150, 256)])
        store.put(Call.of(LOCAL, request("old")), Completion("vieux", 5, 5))
    return file


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_calls_prints_answers_by_model_and_role_and_ledger(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_calls(path)
    shown = capsys.readouterr().out
    assert f"{path}: 5 answers, 2,046 tokens, paid from 20" in shown
    table = lines(shown)
    assert ["openai:gpt-4o-mini", "at", OFFICIAL["endpoint"], "black", "box", "2", "2,000", "3"] in table
    assert ["python:mine:answer", "judge", "1", "0", "0"] in table
    assert ["python:mine:answer", "black", "box", "2", "35", "8"] in table
    assert ["abc1", "black", "box", "0", "2", "2,000", "3"] in table
    assert ["abc1", "judge", "0", "1", "0", "0"] in table
    assert ["abd2", "black", "box", "1", "2", "180", "259"] in table
    assert ["unnamed", "black", "box", "0", "1", "5", "5"] in table


def test_calls_prints_what_was_paid_in_all_and_how_lost_calls_count(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_calls(path)
    assert "Paid in all: 6 calls, 2,452 tokens; 1 call lost, counted at its maximum\n" in capsys.readouterr().out
    print_calls(path, run="abc1")
    assert "Paid in all: 3 calls, 2,003 tokens\n" in capsys.readouterr().out


def test_calls_prints_cached_prompts_and_thoughts_where_there_are_any(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CallStore(path) as store:
        store.put(Call.of(LOCAL, request("fish")), Completion("poisson", 99, 7, reasoning_tokens=5), run="abc1")
    print_calls(path)
    shown = capsys.readouterr().out
    assert "answer: thoughts" in shown
    assert "prompt: cached" not in shown
    assert ["abc1", "black", "box", "0", "3", "2,099", "10", "5"] in lines(shown)
    assert ["abc1", "judge", "0", "1", "0", "0", "0"] in lines(shown)


def test_calls_with_prefix_of_run_id_prints_only_that_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_calls(path, run="abd")
    shown = capsys.readouterr().out
    assert "1 answers, 33 tokens" in shown
    assert "abd2" in shown
    assert "abc1" not in shown
    assert "openai" not in shown


@pytest.mark.parametrize("run", ["x", "ab", "abc12"])
def test_calls_with_unknown_or_ambiguous_run_is_refused(path: Path, run: str) -> None:
    with pytest.raises(ConfigurationError, match=f"begin exactly one of the 3 run ids in the ledger, got '{run}'"):
        print_calls(path, run=run)


def test_grep_prints_matching_calls(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_calls(path, grep="CHAT")
    assert lines(capsys.readouterr().out) == [
        ["prompt", "Be", "brief.", "cat"],
        ["answer", "chat"],
        ["1", "calls", "with", "'CHAT'"],
    ]
    print_calls(path, grep="nowhere", run="abc1")
    assert capsys.readouterr().out == "0 calls with 'nowhere'\n"


def test_answers_are_printed_without_control_characters(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_calls(path, grep="chien")
    shown = capsys.readouterr().out
    assert "answer    chien�[2J��31m\n" in shown
    print_calls(path, export="-")
    assert all(character == "\n" or character.isprintable() for character in shown + capsys.readouterr().out)


def test_ledger_names_are_printed_without_control_characters(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CallStore(path) as store:
        store.put_many([], run="\x1b[2J[bold]", role="r\x07", lost=[Usage(1)])
    print_calls(path)
    shown = capsys.readouterr().out
    assert "�[2J[bold]" in shown
    assert all(character == "\n" or character.isprintable() for character in shown)


def test_export_holds_requests_and_answers(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = path.with_name("calls.jsonl")
    print_calls(path, export=str(target))
    assert capsys.readouterr().out == f"5 calls written to {target}\n"
    exported = [json.loads(line) for line in target.read_text().splitlines()]
    assert exported[0] == {
        "request": {
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "cat"}],
            "max_tokens": 256,
            "temperature": 0.0,
            "answers": [],
            "seed": None,
        },
        "answer": {"text": "chat", "prompt_tokens": 1000, "completion_tokens": 1},
        "identity": OFFICIAL,
        "role": BLACK_BOX,
    }
    assert [call["answer"]["text"] for call in exported[2:]] == ["Grade: 9", "oiseau", "vieux"]


def test_export_of_selection_goes_to_standard_output(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_calls(path, export="-", run="abc1", grep="grade")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["answer"]["text"] == "Grade: 9"


def test_export_onto_store_is_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"got .*calls.sqlite, which belongs to a call store"):
        print_calls(path, export=str(path.parent / "." / "calls.sqlite"))
    with CallStore(path) as store:
        assert len(store) == 5


def test_export_to_unwritable_file_is_refused(path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"cannot write to .*: Is a directory; choose another file"):
        print_calls(path, export=str(path.parent))


def test_calls_of_new_store_prints_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    CallStore(tmp_path / "calls.sqlite").close()
    print_calls(tmp_path / "calls.sqlite")
    assert lines(capsys.readouterr().out)[-1][-4:] == ["0", "answers,", "0", "tokens"]


def test_path_without_store_is_refused_and_left_empty(tmp_path: Path) -> None:
    for missing in (tmp_path, tmp_path / "calls.sqlite"):
        with pytest.raises(RunDirectoryError, match=r"found no file .*calls.sqlite; check the path"):
            print_calls(missing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", [{}, {"run": "abc1"}, {"grep": "chat"}, {"export": "-"}])
def test_calls_changes_nothing_in_the_folder(path: Path, way: dict[str, str]) -> None:
    before = {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in path.parent.iterdir()}
    print_calls(path, **way)
    assert {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in path.parent.iterdir()} == before


@contextmanager
def without_root() -> Iterator[None]:
    """Act as nobody within the block, because root may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("killed", [False, True])
def test_calls_works_in_a_folder_that_nobody_may_write(
    path: Path, capsys: pytest.CaptureFixture[str], killed: bool
) -> None:
    print_calls(path)  # imports what is imported on use
    with CallStore(path) as store, TemporaryDirectory() as folder:
        if killed:
            store.put(Call.of(LOCAL, request("old")), Completion("vieux", 5, 5))
        for each in path.parent.glob("calls.sqlite*" if killed else "calls.sqlite"):
            shutil.copyfile(each, f"{folder}/{each.name}")
            Path(f"{folder}/{each.name}").chmod(0o444)
        Path(folder).chmod(0o555)
        with without_root():
            print_calls(Path(folder, "calls.sqlite"))
        Path(folder).chmod(0o755)
        assert (Path(folder) / "calls.sqlite-wal").exists() == killed
    assert capsys.readouterr().out.count(": 5 answers, 2,046 tokens") == 2


def test_calls_reads_a_store_while_a_run_writes_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CallStore(path) as store:
        for number in range(6, 9):
            store.put(Call.of(LOCAL, request(str(number))), Completion("x"))
            print_calls(path)
            assert f"{number} answers" in capsys.readouterr().out


def test_calls_refuses_a_database_of_another_program_and_leaves_it(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bookmarks.db")) as other:
        other.execute("CREATE TABLE bookmarks (address TEXT)")
    before = (tmp_path / "bookmarks.db").read_bytes()
    with pytest.raises(RunDirectoryError, match=r"bookmarks.db belongs to another program"):
        print_calls(tmp_path / "bookmarks.db")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [before]


def test_find_store_follows_settings_of_run_directory(path: Path, tmp_path: Path) -> None:
    assert find_store(path) == path
    assert find_store(path.parent) == path
    run = tmp_path / "run"
    run.mkdir()
    (run / "settings.yaml").write_text(dump_yaml(make_settings({"task": "antonyms", "store": path})))
    assert find_store(run) == path
