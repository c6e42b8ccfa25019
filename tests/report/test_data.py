"""The page's numbers are those of result.json and the journal."""

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
    return Journal(finished / "journal.jsonl", mend=False).history


@pytest.fixture(scope="module")
def result(finished):
    return json.loads((finished / "result.json").read_text())


def test_the_result_is_there_as_it_is(page, result):
    assert page["result"] == result


def test_scores_and_intervals_are_the_results(page, result):
    records = {"best": result, "plain": result["plain"], "baseline": result["baseline"]}
    assert [each["role"] for each in page["scores"]] == list(records)
    for each in page["scores"]:
        record = records[each["role"]]
        assert each["text"] == record["instruction"]
        assert set(each["parts"]) == set(record["intervals"])
        for name, part in each["parts"].items():
            interval = record["intervals"][name]
            assert part["score"] == record[f"{name}_score"]
            assert part["interval"] == [interval["low"], interval["high"]]


def test_every_scored_instruction_is_there_once_with_the_journals_scores(page, history):
    known = history.known_evaluations()
    rows = {row["text"]: row for row in page["instructions"]}
    assert len(rows) == len(page["instructions"])
    assert rows.keys() == known.keys()
    for text, evaluation in known.items():
        interval = mean_interval(evaluation.scores)
        assert rows[text]["score"] == evaluation.mean
        assert rows[text]["interval"] == [interval.low, interval.high]
        assert rows[text]["examples"] == len(evaluation.scores)


def test_calls_rounds_and_writings_are_the_journals(page, history):
    written = Counter(each.instruction for round_ in history.rounds for each in round_.candidates)
    first = {trial.instruction: trial for trial in reversed(history.trials)}
    for row in page["instructions"]:
        assert row["written"] == written[row["text"]]
        assert row["round"] == (first[row["text"]].round if row["text"] in first else None)
    asked = history.search_usage().calls + history.plain[1].usage.calls + history.baseline[1].usage.calls
    assert sum(row["calls"] for row in page["instructions"]) == asked


def test_complete_instructions_come_first_and_the_best_of_them_leads(page):
    rows, all_ = page["instructions"], page["run"]["validation_examples"]
    complete = [row["examples"] == all_ for row in rows]
    assert complete == sorted(complete, reverse=True)
    scores = [row["score"] for row in rows if row["examples"] == all_]
    assert scores == sorted(scores, reverse=True)


def test_the_course_ends_with_all_that_was_asked_and_rises(page, history):
    course = page["course"]
    usage = history.search_usage() + history.plain[1].usage + history.baseline[1].usage
    assert course["end"]["calls"] == usage.calls
    assert course["end"]["usd"] == pytest.approx((100 * usage.prompt_tokens + 200 * usage.completion_tokens) / 1e6)
    assert len(course["dots"]) == len(history.trials) + 2
    values = [step["value"] for step in course["steps"]]
    assert values == sorted(set(values))
    best = max(row["score"] for row in page["instructions"] if row["examples"] == page["run"]["validation_examples"])
    assert values[-1] == best


def test_rounds_sum_up_their_scores(page, history):
    for each in page["rounds"]:
        scores = sorted(trial.score for trial in history.trials_of(each["first"]))
        assert each["first"] == each["last"]
        assert (each["quantiles"][0], each["quantiles"][4]) == (scores[0], scores[-1])
    until = {trial.instruction: trial.score for trial in history.trials}
    top = sorted(until.values())[-max(1, round(0.15 * len(until))) :]
    assert page["rounds"][-1]["top"] == pytest.approx([top[0], sum(top) / len(top), top[-1]])


def test_costs_are_the_ledgers_and_the_journals(page, result, history):
    (role,) = page["costs"]["roles"]
    assert {name: role[name] for name in result["spent"]["black box"]} == result["spent"]["black box"]
    assert role["usd"] == pytest.approx((100 * role["prompt_tokens"] + 200 * role["completion_tokens"]) / 1e6)
    assert sum(each["calls"] for each in page["costs"]["phases"]) == result["usage"]["calls"]


def test_examples_have_the_answers_of_the_journal_and_their_own_text(page, history, finished):
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
        assert all(each["outputs"] == outputs[each["input"]] for each in part["examples"])


def test_duels_count_every_test_example(page, history, result):
    part = page["examples"]["parts"][0]
    best, plain = (history.tests[text].scores for text in (result["instruction"], result["plain"]["instruction"]))
    duel = part["duels"]["plain"]
    assert duel["wins"] == sum(mine > theirs for mine, theirs in zip(best, plain, strict=True))
    assert sum(duel.values()) == result["test_examples"]


def test_settings_say_which_are_not_the_usual_ones(page):
    unusual = {each["name"] for each in page["settings"] if not each["usual"]}
    assert unusual == {
        *("task", "writer", "blackbox", "baseline", "input_price", "output_price"),
        *("evaluations", "initial", "batch"),
    }
    assert {each["name"] for each in page["settings"]} == set(Settings.model_fields)


def test_the_same_run_gives_the_same_page(finished):
    before = (finished / "report.html").read_bytes()
    write_report(finished)
    assert (finished / "report.html").read_bytes() == before


def test_a_run_that_has_not_ended_has_a_report(finished, tmp_path):
    for name in ("settings.yaml", "journal.jsonl"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    torn = b"".join(lines[:9]) + lines[9][:20]
    (tmp_path / "journal.jsonl").write_bytes(torn)
    data = embedded(write_report(tmp_path))
    assert data["result"] is None
    assert data["run"]["ended"] is False
    assert "has not ended" in data["words"]["verdict"]
    assert (tmp_path / "journal.jsonl").read_bytes() == torn


def test_a_stale_result_is_not_believed(finished, tmp_path):
    for name in ("settings.yaml", "journal.jsonl", "result.json"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    result = json.loads((tmp_path / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps({**result, "evaluations": result["evaluations"] - 1}))
    assert embedded(write_report(tmp_path))["result"] is None


def test_examples_that_have_changed_since_are_not_shown(tmp_path, task_file):
    run = tmp_path / "run"
    instructzero.optimize(task_file, writer="scripted:phrases", blackbox="scripted:obey", directory=run, **SIZES)
    task_file.write_text(task_file.read_text().replace('"apple"', '"pear"'))
    changed = embedded(write_report(run))["examples"]
    assert "changed" in changed["note"]
    task_file.unlink()
    gone = embedded(write_report(run))["examples"]
    assert "could not be loaded" in gone["note"]
    for found in (changed, gone):
        assert all(each["input"] is None for part in found["parts"] for each in part["examples"])


def test_the_examples_of_a_run_from_python_are_in_the_page_that_it_wrote(hostile):
    parts = embedded(hostile / "report.html")["examples"]["parts"]
    assert all(each["input"] for part in parts for each in part["examples"])
