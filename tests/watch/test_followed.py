"""Tests that incremental reading of a run directory gives the same data as reading it as a whole."""

import json
import os
import shutil

import pytest

from instructzero.records.journal import Journal
from instructzero.report.data import collect
from instructzero.report.html import Html
from instructzero.report.page import RENDERED
from instructzero.report.source import read_source
from instructzero.watch.followed import FollowedRun
from tests.report.conftest import embedded
from tests.watch.growing import GrowingRun


@pytest.fixture
def growing(tmp_path, recorded):
    return GrowingRun(tmp_path / "run", recorded)


def data_of(run, tmp_path):
    """Return the data of the live page as the browser receives them."""
    path = tmp_path / "page.html"
    path.write_text(run.page("1", Html("")), encoding="utf-8")
    return embedded(path)


def test_refresh_before_run_starts_gives_no_progress(growing):
    run = FollowedRun(growing.path)
    assert (run.refresh(), run.progress, run.problem) == (True, None, "")
    assert not run.refresh()
    growing.begin()
    assert run.refresh()
    assert run.progress is None
    growing.add(1)
    assert run.refresh()
    assert (run.progress.stage, run.progress.done, run.progress.best) == ("beginning", 0, None)


def test_progress_equals_journal_after_every_record(growing):
    run = FollowedRun(growing.begin().add(1).path)
    stages = []
    while growing.written < len(growing.lines):
        growing.add(1)
        assert run.refresh()
        history = Journal(growing.path / "journal.jsonl", repair=False).history
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


def test_live_page_equals_report_of_whole_journal(growing, tmp_path):
    run = FollowedRun(growing.begin().path)
    for evaluations in (6, 10, 16, 24):  # the third and the last round are read in part and as a whole
        growing.add_until(evaluations)
        run.refresh()
        whole = json.loads(json.dumps(collect(read_source(growing.path))))
        for name in RENDERED:  # they stand in the page and not in its data
            del whole[name]
        assert data_of(run, tmp_path) == whole


def test_refresh_ignores_partial_line_until_complete(growing):
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


def test_refresh_after_restart_shows_new_run(growing, tmp_path):
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


def test_refresh_of_damaged_journal_sets_problem_and_keeps_progress(growing):
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


def test_refresh_of_unreadable_settings_sets_problem(growing):
    run = FollowedRun(growing.begin().add_until(4).path)
    (growing.path / "settings.yaml").write_text("evaluations: 4\n")
    run.refresh()
    assert run.progress is None
    assert "no task is set" in run.problem


def test_left_s_follows_observed_speed(growing, monkeypatch):
    clock = iter([100.0, 160.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    run = FollowedRun(growing.begin().add_until(6).path)
    run.refresh()
    assert run.left_s is None
    growing.add_until(12)
    run.refresh()
    assert run.left_s == pytest.approx(120.0)


def test_watching_leaves_directory_unchanged(growing, tmp_path):
    run = FollowedRun(growing.begin().add_until(12).path)
    before = sorted(os.listdir(growing.path))
    run.refresh()
    run.page("1", Html(""))
    assert sorted(os.listdir(growing.path)) == before
