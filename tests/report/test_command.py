"""Tests of `instructzero report`, and of the report that every run writes at its end."""

import sys

import pytest

import instructzero
from instructzero import api
from instructzero.cli import app as cli
from tests.report.conftest import SIZES


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["instructzero", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as exit:
            code = exit.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_report_writes_page_and_prints_path(run, finished):
    (finished / "report.html").unlink()
    code, out, _ = run("report", finished)
    assert (code, out) == (0, f"{finished / 'report.html'}\n")
    assert (finished / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_report_prints_next_step_unless_quiet(run, finished):
    path = f"{finished / 'report.html'}\n"
    assert run("report", finished) == (0, path, "note: open this page in a browser, or use --open\n")
    assert run("report", finished, "--quiet") == (0, path, "")


def test_report_open_opens_page_in_browser(run, finished, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    run("report", finished, "--open")
    assert opened == [(finished / "report.html").resolve().as_uri()]


def test_report_of_directory_without_run_is_refused(run, tmp_path):
    code, _, err = run("report", tmp_path)
    assert code == 2
    assert "expected a run directory with a settings.yaml" in err


def test_report_of_run_without_journal_is_refused(run, tmp_path, finished):
    (tmp_path / "settings.yaml").write_bytes((finished / "settings.yaml").read_bytes())
    code, _, err = run("report", tmp_path)
    assert code == 2
    assert "found no journal" in err
    assert not (tmp_path / "journal.jsonl").exists()


def test_report_of_damaged_result_is_refused(run, tmp_path, finished):
    for name in ("settings.yaml", "journal.jsonl"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    (tmp_path / "result.json").write_text("{")
    code, _, err = run("report", tmp_path)
    assert code == 2
    assert "result.json is damaged" in err


def test_optimize_with_failing_report_still_returns_result(task_file, tmp_path, monkeypatch):
    def broken(directory, task=None):
        raise ZeroDivisionError("no")

    monkeypatch.setattr(api, "write_report", broken)
    with pytest.warns(RuntimeWarning, match="report could not be written .ZeroDivisionError: no."):
        result = instructzero.optimize(
            task_file, writer="scripted:phrases", blackbox="scripted:obey", directory=tmp_path / "run", **SIZES
        )
    assert result.instruction


def test_report_keeps_a_page_with_examples_that_a_new_one_could_not_show(run, tmp_path):
    words = [(word, word[::-1]) for word in "alpha beta gamma delta epsilon zeta eta theta iota kappa".split()]
    models = {"writer": "scripted:phrases", "blackbox": "scripted:obey"}
    instructzero.optimize(words, directory=tmp_path / "run", **models, evaluations=4, initial=4)
    before = (tmp_path / "run" / "report.html").read_bytes()
    assert b"start the same program again" in before
    code, _, err = run("report", tmp_path / "run")
    assert code == 2
    assert "because they were given in Python, not as a file; the page is kept" in err
    assert "unknown task" not in err
    assert (tmp_path / "run" / "report.html").read_bytes() == before
    other = tmp_path / "other.html"
    assert run("report", tmp_path / "run", "--out", other)[0] == 0
    (tmp_path / "run" / "report.html").write_bytes(other.read_bytes())  # a page without examples is replaced
    assert run("report", tmp_path / "run", "--quiet") == (0, f"{tmp_path / 'run' / 'report.html'}\n", "")
