"""A run directory that is read as it grows says what one says that is read as a whole."""

import json
import os
import shutil

import pytest

from instructzero.records.journal import Journal
from instructzero.report.data import collect
from instructzero.report.html import Html
from instructzero.report.source import read_source
from instructzero.watch.followed import FollowedRun
from tests.report.conftest import embedded
from tests.watch.growing import GrowingRun


@pytest.fixture
def growing(tmp_path, recorded):
    return GrowingRun(tmp_path / "run", recorded)


def data_of(run, tmp_path):
    """The data of the live page, as its reader gets them."""
    path = tmp_path / "page.html"
    path.write_text(run.page("1", Html("")), encoding="utf-8")
    return embedded(path)


def test_there_need_not_be_a_run_yet(growing):
    run = FollowedRun(growing.path)
    assert (run.refresh(), run.progress, run.problem) == (True, None, "")
    assert not run.refresh()
    growing.begin()
    assert run.refresh()
    assert run.progress is None
    growing.add(1)
    assert run.refresh()
    assert (run.progress.stage, run.progress.done, run.progress.best) == ("beginning", 0, None)


def test_it_has_the_numbers_of_the_journal_at_every_record(growing):
    run = FollowedRun(growing.begin().add(1).path)
    stages = []
    while growing.written < len(growing.lines):
        growing.add(1)
        assert run.refresh()
        history = Journal(growing.path / "journal.jsonl", mend=False).history
        found = run.progress
        assert (found.done, found.planned, found.rounds) == (len(history.trials), 24, len(history.rounds))
        assert found.calls == history.usage().calls
        usage = history.usage()
        assert found.usd == pytest.approx((100 * usage.prompt_tokens + 200 * usage.completion_tokens) / 1e6)
        assert found.share == len(history.trials) / 24
        assert found.plain == history.plain[1].mean
        assert found.best == (read_source(growing.path).best, found.steps[-1][1])
        stages.append(found.stage)
    assert list(dict.fromkeys(stages)) == ["beginning", "searching", "testing"]
    growing.end()
    assert run.refresh()
    assert (run.progress.stage, run.progress.share, run.left_s) == ("ended", 1.0, None)
    assert run.progress.best[0] == json.loads((growing.path / "result.json").read_text())["instruction"]


def test_the_page_is_that_of_the_whole_journal(growing, tmp_path):
    run = FollowedRun(growing.begin().path)
    for evaluations in (6, 10, 16, 24):  # the third round, and the last, are seen in part and as a whole
        growing.add_until(evaluations)
        run.refresh()
        whole = json.loads(json.dumps(collect(read_source(growing.path))))
        assert data_of(run, tmp_path) == whole


def test_a_line_that_is_being_written_waits(growing):
    run = FollowedRun(growing.begin().add_until(4).path)
    run.refresh()
    line = growing.lines[growing.written]
    with (growing.path / "journal.jsonl").open("ab") as file:
        file.write(line[:20])
    run.refresh()
    assert (run.progress.done, run.problem) == (4, "")
    with (growing.path / "journal.jsonl").open("ab") as file:
        file.write(line[20:])
    run.refresh()
    assert run.progress.done == 5


def test_a_run_that_was_begun_anew_is_another_one(growing, tmp_path):
    run = FollowedRun(growing.begin().add_until(12).path)
    run.refresh()
    assert data_of(run, tmp_path)["belief"]["points"]
    shutil.rmtree(growing.path)
    assert run.refresh()
    assert run.progress is None
    growing.written = 0
    growing.begin().add_until(5)
    run.refresh()
    assert run.progress.done == 5
    assert data_of(run, tmp_path)["run"]["evaluations"] == 5


def test_damage_is_a_sentence_and_what_was_known_stays(growing):
    run = FollowedRun(growing.begin().add_until(8).path)
    run.refresh()
    journal = growing.path / "journal.jsonl"
    content = journal.read_bytes()
    journal.write_bytes(content + growing.lines[growing.written].replace(b"0.0", b"1.0", 1))
    assert run.refresh()
    assert "journal.jsonl is damaged at line" in run.problem
    assert run.progress.done == 8
    journal.write_bytes(content)
    assert run.refresh()
    assert (run.problem, run.progress.done) == ("", 8)


def test_settings_that_cannot_be_read_are_a_sentence(growing):
    run = FollowedRun(growing.begin().add_until(4).path)
    (growing.path / "settings.yaml").write_text("evaluations: 4\n")
    run.refresh()
    assert run.progress is None
    assert "no task is set" in run.problem


def test_the_time_left_follows_the_speed_that_was_seen(growing, monkeypatch):
    clock = iter([100.0, 160.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    run = FollowedRun(growing.begin().add_until(6).path)
    run.refresh()
    assert run.left_s is None
    growing.add_until(12)
    run.refresh()
    assert run.left_s == pytest.approx(120.0)


def test_the_watcher_leaves_the_directory_as_it_is(growing, tmp_path):
    run = FollowedRun(growing.begin().add_until(12).path)
    before = sorted(os.listdir(growing.path))
    run.refresh()
    run.page("1", Html(""))
    assert sorted(os.listdir(growing.path)) == before
