"""A run in a directory that is not empty: corrected, continued for longer, begun anew, or refused with the ways on."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from instructzero.config import make_settings
from instructzero.errors import ConfigurationError, EndpointError, OtherRun, RunDirectoryError
from instructzero.execute import execute
from instructzero.finished_run import FinishedRun
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.records.observers import Observer

SIZES = {"exemplars": 2, "validation": 6, "test": 4, "confirmation": 5}
SEARCH = {"method": "uniform", "evaluations": 6, "batch": 3, **SIZES}


@pytest.fixture
def run(tmp_path, task_file):
    """Run in a directory with some settings; a black box may be given."""

    def run(name="run", box=None, overwrite=False, **settings):
        models = {"task": str(task_file), "writer": "scripted:phrases", "blackbox": "scripted:obey"}
        return execute(
            make_settings({**models, **SEARCH, **settings}),
            tmp_path / name,
            Observer(),
            writer_model=ScriptedWriter(),
            blackbox=box or ScriptedBlackBox(obey),
            overwrite=overwrite,
        )

    return run


def journal(folder):
    return (folder / "journal.jsonl").read_bytes()


def kinds(folder):
    return [json.loads(line)["kind"] for line in journal(folder).splitlines()]


def test_directory_without_an_answer_takes_a_corrected_command(run, tmp_path):
    with pytest.raises(EndpointError):
        run(box=ScriptedBlackBox(obey, fail_after=0), seed=3, metric="f1")
    assert kinds(tmp_path / "run") == ["run"]
    identity = (tmp_path / "run" / "run-id").read_bytes()
    corrected, whole = run(seed=4), run("fresh", seed=4)
    assert corrected == whole
    assert journal(tmp_path / "run") == journal(tmp_path / "fresh")
    assert (tmp_path / "run" / "run-id").read_bytes() == identity


def test_directory_with_an_answer_is_refused_even_before_the_first_result(run, tmp_path):
    with pytest.raises(EndpointError):
        run(box=ScriptedBlackBox(obey, fail_after=2), seed=3)
    assert kinds(tmp_path / "run") == ["run"]
    before = journal(tmp_path / "run")
    with pytest.raises(OtherRun, match=r"seed: 3 there, 4 here.*--out.*--overwrite"):
        run(seed=4)
    assert journal(tmp_path / "run") == before
    assert run(seed=3) == run("fresh", seed=3)


def test_finished_run_is_continued_with_more_evaluations(run, tmp_path):
    run()
    first = journal(tmp_path / "run")
    more = run(evaluations=12)
    assert len(more.trials) == 12
    assert journal(tmp_path / "run").startswith(first)
    whole = journal(tmp_path / "run")
    again = ScriptedBlackBox(obey)
    assert run(box=again, evaluations=12) == more
    assert again.calls.total() == 0
    assert journal(tmp_path / "run") == whole
    assert "evaluations: 12" in (tmp_path / "run" / "settings.yaml").read_text()


def test_continued_run_pays_for_no_question_twice(run):
    first, second = ScriptedBlackBox(obey), ScriptedBlackBox(obey)
    run(box=first)
    run(box=second, evaluations=15, finalists=5, test=8)
    assert second.calls.total() > 0
    assert not first.calls.keys() & second.calls.keys()


@pytest.mark.parametrize("fail_after", [1, 20])
@pytest.mark.parametrize("changes", [{"evaluations": 12}, {"test": 8}, {"evaluations": 12, "finalists": 4, "test": 7}])
def test_continued_run_that_is_stopped_ends_with_the_same_journal(run, tmp_path, fail_after, changes):
    run("whole")
    whole = run("whole", **changes)
    run("stopped")
    for _ in range(100):
        try:
            stopped = run("stopped", box=ScriptedBlackBox(obey, fail_after=fail_after), **changes)
        except EndpointError:
            fail_after += 1
            continue
        break
    assert stopped == whole
    assert journal(tmp_path / "stopped") == journal(tmp_path / "whole")


def test_unfinished_run_may_end_sooner_but_not_before_its_evaluations(run, tmp_path):
    with pytest.raises(EndpointError):
        run(box=ScriptedBlackBox(obey, fail_after=40), evaluations=60)
    made = kinds(tmp_path / "run").count("trial")
    assert 3 < made < 12
    with pytest.raises(OtherRun, match="evaluations: 60 there, 3 here"):
        run(evaluations=3)
    assert len(run(evaluations=12).trials) == 12


def test_more_search_calls_continue_and_fewer_are_refused(run):
    assert len(run(search_calls=18).trials) == 3
    assert len(run(search_calls=36).trials) > 3
    with pytest.raises(OtherRun, match="search_calls: 36 there, 18 here"):
        run(search_calls=18)
    assert len(run(search_calls=None).trials) == 6
    with pytest.raises(OtherRun, match="search_calls: None there, 36 here"):
        run(search_calls=36)


def test_other_number_of_finalists_continues_with_the_same_search(run, tmp_path):
    run(finalists=1)
    before = kinds(tmp_path / "run").count("confirmation")
    assert run(finalists=4) == run("fresh", finalists=4)
    assert before < kinds(tmp_path / "run").count("confirmation") == kinds(tmp_path / "fresh").count("confirmation")


def test_longer_test_gives_the_result_of_a_new_run_and_asks_only_new_questions(run, tmp_path):
    first, second, fresh = ScriptedBlackBox(obey), ScriptedBlackBox(obey), ScriptedBlackBox(obey)
    run(box=first)
    longer = run(box=second, test=9)
    assert replace(longer, spent={}) == replace(run("fresh", box=fresh, test=9), spent={})
    assert len(longer.best.test.scores) == 9
    assert second.calls.keys() == fresh.calls.keys() - first.calls.keys()
    assert kinds(tmp_path / "run").count("run") == 2


def test_test_that_changes_the_validation_examples_is_refused_with_the_reason(run):
    run(validation=None)
    with pytest.raises(OtherRun, match="change its validation examples"):
        run(validation=None, test=20, confirmation=0)


def test_same_parts_under_other_sizes_continue(run):
    run(exemplars=None, validation=6)
    with pytest.raises(OtherRun, match="change its exemplars examples"):
        run(exemplars=3)
    assert run(exemplars=5, evaluations=9).best


def test_shorter_test_is_refused(run):
    run()
    with pytest.raises(OtherRun, match="tested on 4 examples"):
        run(test=2)


def test_longer_test_of_changed_data_is_refused(run, tmp_path, task_file):
    run()
    lines = task_file.read_text().splitlines()
    task_file.write_text("\n".join([*lines[:-1], lines[-1].replace('"output": "', '"output": "x')]) + "\n")
    with pytest.raises(OtherRun, match=r"begun with another|change its"):
        run()


def test_stopped_between_header_and_settings_both_settings_continue(run, tmp_path):
    run()
    settings = (tmp_path / "run" / "settings.yaml").read_bytes()
    longer = run(test=9)
    (tmp_path / "run" / "settings.yaml").write_bytes(settings)
    lines = journal(tmp_path / "run").splitlines(keepends=True)
    header = max(number for number, kind in enumerate(kinds(tmp_path / "run")) if kind == "run")
    (tmp_path / "run" / "journal.jsonl").write_bytes(b"".join(lines[: header + 1]))
    assert len(run().best.test.scores) == 4
    assert run(test=9) == longer


def test_overwrite_begins_anew_with_stored_answers_and_an_account_of_its_own(run, tmp_path):
    first = run()
    identity = (tmp_path / "run" / "run-id").read_bytes()
    notes = tmp_path / "run" / "notes.txt"
    notes.write_text("mine")
    again = ScriptedBlackBox(obey)
    anew = run(box=again, overwrite=True, max_calls=1)
    assert again.calls.total() == 0
    assert anew.best == first.best
    assert (anew.spent, notes.read_text()) == ({}, "mine")
    assert (tmp_path / "run" / "run-id").read_bytes() != identity
    run(seed=9, overwrite=True), run("fresh", seed=9)
    assert journal(tmp_path / "run") == journal(tmp_path / "fresh")


def test_overwrite_of_nothing_is_a_new_run(run):
    assert run(overwrite=True) == run("fresh")


def test_overwrite_replaces_a_run_with_a_changed_task(run, task_file, tmp_path):
    run()
    task_file.write_text(task_file.read_text().replace("apple", "ample"))
    with pytest.raises(OtherRun, match="begun with another"):
        run()
    assert run(overwrite=True).best
    assert kinds(tmp_path / "run").count("run") == 1


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "name",
    ["settings.yaml", "journal.jsonl", "result.json", "instruction.txt", "report.html", "run-id", "waiting.json"],
)
def test_files_of_other_origin_are_never_replaced(run, tmp_path, name, overwrite):
    path = tmp_path / "run" / name
    path.parent.mkdir()
    path.write_text("task: words.jsonl  # mine\n")
    with pytest.raises(RunDirectoryError, match=rf"files of other origin .*\({re.escape(name)}\)"):
        run(overwrite=overwrite)
    assert path.read_text() == "task: words.jsonl  # mine\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("overwrite", [False, True])
def test_database_of_other_program_in_the_folder_is_refused_before_anything_is_written(run, tmp_path, overwrite):
    path = tmp_path / "run" / "calls.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (address TEXT)")
    before = path.read_bytes()
    with pytest.raises(RunDirectoryError, match="belongs to another program"):
        run(overwrite=overwrite)
    with pytest.raises(RunDirectoryError, match="belongs to another program"):
        run("elsewhere", store=path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("store", ["run/journal.jsonl", "run/RESULT.json", "link", "other/settings.yaml", "other/lock"])
def test_store_at_the_name_of_a_file_of_a_run_is_refused(run, tmp_path, store):
    run("other")
    before = {path: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    (tmp_path / "link").symlink_to(tmp_path / "other" / "report.html")
    with pytest.raises(ConfigurationError, match="expected a file of its own for --store"):
        run(store=tmp_path / store)
    assert {path: path.read_bytes() for path in (tmp_path / "other").iterdir()} == before
    assert not (tmp_path / "run").exists()


def test_runs_may_share_the_store_of_one_of_them(run, tmp_path):
    run("other")
    before = (tmp_path / "other" / "settings.yaml").read_bytes()
    assert run(store=tmp_path / "other" / "calls.sqlite").best
    assert (tmp_path / "other" / "settings.yaml").read_bytes() == before


def test_run_among_unrelated_files_leaves_them(run, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("notes.txt", "report.tmp", "result.tmp", "settings.yml"):
        (tmp_path / "run" / name).write_text("mine")
    run()
    run(overwrite=True)
    for name in ("notes.txt", "report.tmp", "result.tmp", "settings.yml"):
        assert (tmp_path / "run" / name).read_text() == "mine"


def test_run_that_is_being_continued_is_not_finished(run, tmp_path):
    run()
    with pytest.raises(EndpointError):
        run(box=ScriptedBlackBox(obey, fail_after=0), test=9)
    with pytest.raises(RunDirectoryError, match=r"is being continued and is not tested .* finish it with"):
        FinishedRun.read(tmp_path / "run")
    result = run(test=9)
    assert FinishedRun.read(tmp_path / "run").test == result.best.test


def test_changed_limit_is_that_of_a_resumed_run(run, tmp_path):
    run(max_calls=1000)
    run(max_calls=2000)
    assert "max_calls: 2000" in Path(tmp_path / "run" / "settings.yaml").read_text()
