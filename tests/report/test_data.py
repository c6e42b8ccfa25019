"""Tests that the numbers of the page equal those of result.json and the journal."""

import json
from collections import Counter

import pytest

import instructzero
from instructzero.config import Settings
from instructzero.records.journal import Journal
from instructzero.report import write_report
from instructzero.statistics import mean_interval
from tests.report.conftest import SIZES, embedded


@pytest.fixture(scope="module")
def page(finished):
    return embedded(finished / "report.html")


@pytest.fixture(scope="module")
def history(finished):
    return Journal(finished / "journal.jsonl", repair=False).history


@pytest.fixture(scope="module")
def result(finished):
    return json.loads((finished / "result.json").read_text())


def test_data_contains_result_unchanged(page, result):
    assert page["result"] == result


def test_data_scores_and_intervals_equal_result(page, result):
    records = {"best": result, "plain": result["plain"], "baseline": result["baseline"]}
    assert [scored["role"] for scored in page["scores"]] == list(records)
    for scored in page["scores"]:
        record = records[scored["role"]]
        assert scored["text"] == record["instruction"]
        assert set(scored["parts"]) == set(record["intervals"])
        for name, part in scored["parts"].items():
            interval = record["intervals"][name]
            assert part["score"] == record[f"{name}_score"]
            assert part["interval"] == [interval["low"], interval["high"]]


def test_data_instructions_occur_once_with_journal_scores(page, history):
    known = history.known_evaluations()
    rows = {row["text"]: row for row in page["instructions"]}
    assert len(rows) == len(page["instructions"])
    assert rows.keys() == known.keys()
    for text, evaluation in known.items():
        interval = mean_interval(evaluation.scores)
        assert rows[text]["score"] == evaluation.mean
        assert rows[text]["interval"] == [interval.low, interval.high]
        assert rows[text]["examples"] == len(evaluation.scores)


def test_data_calls_rounds_and_writings_equal_journal(page, history):
    written = Counter(candidate.instruction for round_ in history.rounds for candidate in round_.candidates)
    first = {trial.instruction: trial for trial in reversed(history.trials)}
    for row in page["instructions"]:
        assert row["written"] == written[row["text"]]
        assert row["round"] == (first[row["text"]].round if row["text"] in first else None)
    asked = history.search_usage().calls + history.plain[1].usage.calls + history.baseline[1].usage.calls
    assert sum(row["calls"] for row in page["instructions"]) == asked


def test_data_instructions_rank_complete_ones_first_by_score(page):
    rows, all_ = page["instructions"], page["run"]["validation_examples"]
    complete = [row["examples"] == all_ for row in rows]
    assert complete == sorted(complete, reverse=True)
    scores = [row["score"] for row in rows if row["examples"] == all_]
    assert scores == sorted(scores, reverse=True)


def test_trajectory_ends_with_total_usage_and_increases(page, history):
    trajectory = page["trajectory"]
    usage = history.search_usage() + history.plain[1].usage + history.baseline[1].usage
    assert trajectory["end"]["calls"] == usage.calls
    assert trajectory["end"]["usd"] == pytest.approx((100 * usage.prompt_tokens + 200 * usage.completion_tokens) / 1e6)
    assert len(trajectory["dots"]) == len(history.trials) + 2
    values = [step["value"] for step in trajectory["steps"]]
    assert values == sorted(set(values))
    best = max(row["score"] for row in page["instructions"] if row["examples"] == page["run"]["validation_examples"])
    assert values[-1] == best


def test_rounds_summarise_their_scores(page, history):
    for summary in page["rounds"]:
        scores = sorted(trial.score for trial in history.trials_of(summary["first"]))
        assert summary["first"] == summary["last"]
        assert (summary["quantiles"][0], summary["quantiles"][4]) == (scores[0], scores[-1])
    until = {trial.instruction: trial.score for trial in history.trials}
    top = sorted(until.values())[-max(1, round(0.15 * len(until))) :]
    assert page["rounds"][-1]["top"] == pytest.approx([top[0], sum(top) / len(top), top[-1]])


def test_costs_equal_call_store_and_journal(page, result, history):
    (role,) = page["costs"]["roles"]
    assert {name: role[name] for name in result["spent"]["black box"]} == result["spent"]["black box"]
    assert role["usd"] == pytest.approx((100 * role["prompt_tokens"] + 200 * role["completion_tokens"]) / 1e6)
    assert sum(phase["calls"] for phase in page["costs"]["phases"]) == result["usage"]["calls"]


def test_examples_have_journal_answers_and_task_texts(page, history, finished):
    texts = [row["text"] for row in page["instructions"]]
    known = {"validation": history.known_evaluations(), "confirmation": history.confirmations, "test": history.tests}
    outputs = {}
    for line in (finished.parent / "words.jsonl").read_text().splitlines():
        example = json.loads(line)
        outputs[example["input"]] = [example["output"]]
    assert [part["name"] for part in page["examples"]["parts"]] == ["test", "validation"]
    for part in page["examples"]["parts"]:
        for row in part["rows"]:
            evaluation = known[part["name"]][texts[row["row"]]]
            padding = [None] * (len(part["examples"]) - len(evaluation.scores))
            assert row["scores"] == [*evaluation.scores, *padding]
            assert row["answers"] == [*evaluation.predictions, *padding]
        assert all(example["outputs"] == outputs[example["input"]] for example in part["examples"])


def test_duels_count_every_test_example(page, history, result):
    part = page["examples"]["parts"][0]
    best, plain = (history.tests[text].scores for text in (result["instruction"], result["plain"]["instruction"]))
    duel = part["duels"]["plain"]
    assert duel["wins"] == sum(mine > theirs for mine, theirs in zip(best, plain, strict=True))
    assert sum(duel.values()) == result["test_examples"]


def test_settings_mark_values_that_differ_from_defaults(page):
    unusual = {setting["name"] for setting in page["settings"] if not setting["is_default"]}
    assert unusual == {
        *("task", "writer", "blackbox", "baseline", "input_price", "output_price"),
        *("evaluations", "initial", "batch"),
    }
    assert {setting["name"] for setting in page["settings"]} == set(Settings.model_fields)


def test_report_written_twice_is_identical(finished):
    before = (finished / "report.html").read_bytes()
    write_report(finished)
    assert (finished / "report.html").read_bytes() == before


def test_report_of_unfinished_run_leaves_journal_unchanged(finished, tmp_path):
    for name in ("settings.yaml", "journal.jsonl"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    torn = b"".join(lines[:9]) + lines[9][:20]
    (tmp_path / "journal.jsonl").write_bytes(torn)
    data = embedded(write_report(tmp_path))
    assert data["result"] is None
    assert data["run"]["ended"] is False
    assert "has not finished" in data["statements"]["verdict"]
    assert (tmp_path / "journal.jsonl").read_bytes() == torn


def test_report_ignores_stale_result(finished, tmp_path):
    for name in ("settings.yaml", "journal.jsonl", "result.json"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    result = json.loads((tmp_path / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps({**result, "evaluations": result["evaluations"] - 1}))
    assert embedded(write_report(tmp_path))["result"] is None


def test_report_hides_examples_of_changed_task(tmp_path, task_file):
    run = tmp_path / "run"
    instructzero.optimize(task_file, writer="scripted:phrases", blackbox="scripted:obey", directory=run, **SIZES)
    task_file.write_text(task_file.read_text().replace('"apple"', '"pear"'))
    changed = embedded(write_report(run, out=tmp_path / "page.html"))["examples"]
    assert "changed" in changed["note"]
    task_file.unlink()
    gone = embedded(write_report(run, out=tmp_path / "page.html"))["examples"]
    assert "could not be loaded" in gone["note"]
    for found in (changed, gone):
        assert all(example["input"] is None for part in found["parts"] for example in part["examples"])


def test_report_of_python_run_contains_its_examples(hostile):
    parts = embedded(hostile / "report.html")["examples"]["parts"]
    assert all(example["input"] for part in parts for example in part["examples"])
