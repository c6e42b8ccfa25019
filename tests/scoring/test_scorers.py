"""Scores by a metric, a judge or a likelihood."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX, JUDGE, CallStore
from instructzero.errors import EndpointError, TaskError
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.scoring.evaluator import Evaluator
from instructzero.scoring.judge import JudgeMetric
from instructzero.scoring.scorers import JudgeScorer, LikelihoodScorer, MetricScorer, Scorer
from instructzero.tasks.metric import Grade
from instructzero.types import Completion, Evaluation, Example, Message, Usage

EXAMPLES = [Example("cat", ("chat", "le chat")), Example("dog", ("chien",))]


def render(instruction: str, example: Example) -> tuple[Message, ...]:
    return (Message("user", f"{instruction}|{example.input}"),)


def score(scorer: Scorer, prediction: str, example: Example = EXAMPLES[0]) -> float:
    grade = scorer.grade(example, Completion(prediction))
    assert isinstance(grade, Grade)
    return grade.score


def test_metric_receives_prediction_and_all_accepted_answers() -> None:
    seen: list[object] = []

    def metric(*values: object) -> float:
        seen.append(values)
        return 0.25

    assert score(MetricScorer(metric), "x") == 0.25
    assert seen == [("x", ("chat", "le chat"))]


@pytest.mark.parametrize("value", [True, 1, 0])
def test_metric_may_return_any_number_type(value: float) -> None:
    assert score(MetricScorer(lambda *_: value), "x") == float(value)


@pytest.mark.parametrize("value", [None, float("nan"), 1.01, -1, "1", [1]])
def test_metric_with_invalid_score_raises_naming_the_input(value: object) -> None:
    with pytest.raises(TaskError, match=r"expected a score in \[0, 1\] from the metric, got .* for the input 'cat'"):
        score(MetricScorer(lambda *_: value), "x")  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("text", ["0.0", "0.375", "1.0"])
def test_likelihood_scorer_returns_likelihood(text: str) -> None:
    assert score(LikelihoodScorer(), text) == float(text)


@pytest.mark.parametrize("text", ["", "likely", "nan", "-0.1", "1.1"])
def test_likelihood_scorer_with_invalid_likelihood_raises(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a likelihood in \[0, 1\] from the black box, got"):
        score(LikelihoodScorer(), text)


@pytest.mark.parametrize("likelihood", [0.0, 1 / 3, 5e-324, 1.0])
def test_completion_keeps_every_digit_of_likelihood(likelihood: float) -> None:
    assert Completion.of_likelihood(likelihood, 7, 2).likelihood == likelihood


class Graded:
    """A black box and a judge, both scripted, over one store."""

    def __init__(self, folder: Path, grade: Callable[[str], str], **judge: int) -> None:
        self.box = ScriptedBlackBox(lambda prompt: {"cat": "chat", "dog": "dog"}[prompt.rpartition("|")[2]])
        self.grader = ScriptedBlackBox(grade, name="judge", **judge)
        self.received: list[tuple[str, bool]] = []
        self._open = ExitStack()
        self.store = self._open.enter_context(CallStore(folder / "calls.sqlite"))
        models = {BLACK_BOX: self.box, JUDGE: self.grader}
        paid = self._open.enter_context(PaidModels(models, self.store, run="r"))
        scorer = JudgeScorer(JudgeMetric("Is it French?"), paid.role(JUDGE).answers, self._receive)
        self.evaluator = Evaluator(paid.role(BLACK_BOX), scorer, render=render)

    def _receive(self, completion: Completion, cached: bool) -> None:
        self.received.append((completion.text, cached))

    def __enter__(self) -> Graded:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def score(self) -> Evaluation:
        (result,) = self.evaluator.evaluate(["Translate."], EXAMPLES)
        return result


def french(prompt: str) -> str:
    assert "Is it French?" in prompt
    answer = prompt.partition("<answer to grade")[2].partition("\n")[2]
    return "Grade: 9" if answer.startswith(("chat", "chien")) else "Grade: 2"


def test_judge_scorer_returns_grade_and_keeps_prediction(tmp_path: Path) -> None:
    with Graded(tmp_path, french) as graded:
        result = graded.score()
    assert result.scores == (0.9, 0.2)
    assert result.predictions == ("chat", "dog")
    assert result.usage == Usage(2, 2, 2)  # of the black box


def test_second_run_reuses_cached_grades(tmp_path: Path) -> None:
    with Graded(tmp_path, french) as graded:
        first = graded.score()
        assert sorted(graded.received) == [("Grade: 2", False), ("Grade: 9", False)]
    with Graded(tmp_path, french) as again:
        assert again.score() == first
        assert (again.box.calls.total(), again.grader.calls.total()) == (0, 0)
        assert sorted(again.received) == [("Grade: 2", True), ("Grade: 9", True)]


def test_judge_usage_is_booked_under_its_own_role(tmp_path: Path) -> None:
    with Graded(tmp_path, french) as graded:
        graded.score()
        spent = graded.store.spent("r")
    assert spent["black box"] == Usage(2, 2, 2)
    assert spent["judge"].calls == 2
    assert spent["judge"].prompt_tokens > 50


@pytest.mark.parametrize("reply", ["", "I cannot say.", "Grade: 11", "-3"])
def test_reply_without_grade_scores_0(tmp_path: Path, reply: str) -> None:
    with Graded(tmp_path, lambda _: reply) as graded:
        assert graded.score().scores == (0.0, 0.0)


def test_equal_answers_to_equal_questions_are_graded_once(tmp_path: Path) -> None:
    with Graded(tmp_path, french) as graded:
        list(graded.evaluator.evaluate(["Translate.", "Say it in French."], EXAMPLES))
        assert graded.box.calls.total() == 4
        assert graded.grader.calls.total() == 2
        assert [cached for _, cached in graded.received].count(False) == 2


def test_failing_judge_stops_run_and_keeps_answers(tmp_path: Path) -> None:
    with Graded(tmp_path, french, fail_after=1) as graded, pytest.raises(EndpointError, match="broke down"):
        graded.score()
    with Graded(tmp_path, french) as repaired:
        assert repaired.score().scores == (0.9, 0.2)
        assert graded.grader.calls.total() + repaired.grader.calls.total() == 2
        assert graded.box.calls.total() + repaired.box.calls.total() == 2
