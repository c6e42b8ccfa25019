"""Runs whose score is that of the whole set of answers: its values, its journal, its races, and resuming."""

import json
import zlib

import pytest

import instructzero
from instructzero.finished_run import FinishedRun
from instructzero.models.scripted import PHRASES, ScriptedWriter

RARE = [number % 10 == 3 for number in range(120)]
MAIL = [(f"letter {number}.", "urgent" if rare else "routine") for number, rare in enumerate(RARE)]
ANSWERS = dict(MAIL)


def letter(prompt):
    return prompt.rpartition("Input: ")[2].partition("\n")[0]


def perfect(prompt):
    return ANSWERS[letter(prompt)]


def common(prompt):
    return "routine"


BEST = PHRASES[3]
ASKED = []


def graded(prompt):
    """Answer right with one phrase of the writer; with others, miss all urgent letters or call some others urgent."""
    ASKED.append(prompt)
    instruction = prompt.partition("Instruction: ")[2].partition("\n")[0]
    if BEST in instruction:
        return perfect(prompt)
    slips = instruction != PHRASES[-1] and hash_of(letter(prompt)) % 3 == 0
    return "urgent" if slips else "routine"


def hash_of(text):
    return zlib.crc32(text.encode())


def run(tmp_path, box, metric="balanced_accuracy", **changes):
    settings = {"evaluations": 8, "initial": 4, "batch": 4, "validation": 20, "test": 50, "exemplars": 4} | changes
    directory = tmp_path / settings.pop("name", "run")
    return instructzero.optimize(
        MAIL, writer=ScriptedWriter(), blackbox=box, directory=directory, metric=metric, **settings
    )


@pytest.mark.parametrize(
    ("metric", "chance"), [("balanced_accuracy", 0.5), ("macro_f1", pytest.approx(0.474, abs=0.01)), ("mcc", 0.0)]
)
def test_black_box_that_says_the_common_label_scores_chance_and_one_that_is_right_scores_one(tmp_path, metric, chance):
    result = run(tmp_path, common, metric, name="common")
    assert result.validation_score == result.test_score == chance
    assert result.labels.majority["test"] == chance
    assert run(tmp_path, perfect, metric, name="perfect").test_score == 1
    record = json.loads((tmp_path / "common" / "result.json").read_text(encoding="utf-8"))
    assert record["test_score"] == chance
    assert record["intervals"]["test"]["method"] == "bootstrap"
    assert record["classes"][1] == {"label": "urgent", "support": 5, "precision": 0, "recall": 0, "f1": 0}
    assert record["confusion"] == {"labels": ["routine", "urgent"], "counts": [[45, 0, 0], [5, 0, 0]]}


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1", "mcc"])
@pytest.mark.parametrize("method", ["instructzero", "uniform"])
def test_race_by_credits_finds_the_instruction_that_is_right_for_every_label(tmp_path, metric, method):
    result = run(tmp_path, graded, metric, method=method, racing=True, evaluations=16, seed=1)
    assert BEST in result.instruction
    assert result.test_score == 1
    comparison = result.comparisons()["plain"]
    assert comparison.low > 0
    dropped = {trial.instruction for trial in result.trials if len(trial.evaluation.scores) < 20}
    assert result.instruction not in dropped


def test_journal_of_a_resumed_run_is_that_of_an_uninterrupted_one(tmp_path):
    run(tmp_path, graded, "macro_f1", method="uniform", racing=True, name="whole")
    whole = (tmp_path / "whole" / "journal.jsonl").read_bytes()
    run(tmp_path, graded, "macro_f1", method="uniform", racing=True, name="cut")
    lines = whole.splitlines(keepends=True)
    for kept in (3, len(lines) - 2):
        (tmp_path / "cut" / "journal.jsonl").write_bytes(b"".join(lines[:kept]))
        ASKED.clear()
        run(tmp_path, graded, "macro_f1", method="uniform", racing=True, name="cut")
        assert (tmp_path / "cut" / "journal.jsonl").read_bytes() == whole
        assert not ASKED
    test = FinishedRun.read(tmp_path / "whole").test
    assert test.outcomes is not None
    assert test.score == test.outcomes.value


def test_journal_of_other_metrics_has_no_outcomes(tmp_path):
    run(tmp_path, graded, "choice", evaluations=4)
    assert "outcomes" not in (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8")


class Warned(instructzero.Observer):
    def __init__(self):
        self.events = []

    def warned(self, message):
        self.events.append(message)

    def answered(self, completion, cached):
        self.events.append("answer")


def test_missing_label_is_warned_about_before_the_first_call_and_in_the_result(tmp_path):
    observer = Warned()
    result = run(tmp_path, common, "choice", exemplars=1, evaluations=4, observer=observer)
    assert observer.events[0].startswith("Not every part of the data has every label: the exemplars lack ")
    assert result.warnings()[0] == observer.events[0]
