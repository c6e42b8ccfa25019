"""The end of a run: who wins, what is asked for it, and that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from instructzero.calls.store import CallStore
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.finale import Finale
from instructzero.tasks import Task, get_metric
from instructzero.types import Candidate, Evaluation, Example, Message, Proposal, Writing

PART = 10
"""Examples of validation, of confirmation and of test."""

Rates = Mapping[str, tuple[int, int]]


def examples(name: str, size: int = PART) -> tuple[Example, ...]:
    return tuple(Example(f"{name} {number}", ("right",)) for number in range(size))


def render(instruction: str, text: str) -> tuple[Message, ...]:
    return (Message("user", f"{instruction}|{text}"),)


class Counting(Observer):
    def __init__(self) -> None:
        self.announced: list[int] = []

    def testing_started(self, answers: int) -> None:
        self.announced.append(answers)


class Ending:
    """A finished search over instructions that are right on so many validation and confirmation examples each."""

    def __init__(
        self,
        folder: Path,
        rates: Rates,
        *,
        plain: str = "plain",
        baseline: str | None = None,
        finalists: int = 3,
        confirmation: int = PART,
        penalty: float = 0.0,
        fail_after: int | None = None,
    ) -> None:
        def answer(prompt: str) -> str:
            instruction, _, text = prompt.partition("|")
            part, _, number = text.partition(" ")
            right = rates[instruction][0 if part == "validation" else 1]
            return "right" if int(number) < right else "wrong"

        self.box = ScriptedBlackBox(answer, fail_after=fail_after)
        self.store = CallStore(folder / "calls.sqlite")
        self.observer = Counting()
        task = Task(
            name="t",
            exemplars=(Example("giraffe", ("zebra",)),),
            validation=examples("validation"),
            test=examples("test"),
            metric=get_metric("exact_match"),
            confirmation=examples("confirmation", confirmation),
        )
        self.evaluator = Evaluator.of(self.box, self.store, task.metric, render=render)
        self.journal = Journal(folder / "journal.jsonl")
        self.plain = plain
        if self.journal.history.plain is None:
            self._search(rates, baseline)
        objective = Objective(penalty)
        self.finale = Finale(task, self.evaluator, objective, self.journal, self.observer, finalists, baseline)
        known = self.journal.history.known_evaluations()
        self.ranked = sorted(rates, key=lambda text: -objective.value(text, known[text]))

    def _search(self, rates: Rates, baseline: str | None) -> None:
        """Put the validation results on record; the order of ``rates`` is the order of the trials."""
        known = {text: _result(right) for text, (right, _) in rates.items()}
        self.journal.set_plain(Writing(self.plain, self.plain), known[self.plain])
        if baseline is not None:
            self.journal.set_baseline(baseline, known[baseline])
        others = [text for text in rates if text not in (self.plain, baseline)]
        if others:
            candidates = [Candidate(Proposal((0.0,)), Writing(text, text)) for text in others]
            self.journal.add_round(candidates, range(len(others)))
            for text in others:
                self.journal.add_trial(known[text])

    def __enter__(self) -> Ending:
        return self

    def __exit__(self, *_: object) -> None:
        self.evaluator.close()

    def run(self) -> str:
        return self.finale.run(self.ranked, self.plain)


def _result(right: int) -> Evaluation:
    scores = tuple(float(number < right) for number in range(PART))
    return Evaluation(scores, tuple("right" if score else "wrong" for score in scores))


def test_the_winner_is_the_best_on_validation_and_confirmation_together(tmp_path: Path) -> None:
    """The luckiest of the search (9 + 2) falls behind the one that holds (8 + 8)."""
    with Ending(tmp_path, {"lucky": (9, 2), "steady": (8, 8), "plain": (1, 1)}) as ending:
        assert ending.run() == "steady"
        assert set(ending.journal.history.confirmations) == {"lucky", "steady", "plain"}
        assert set(ending.journal.history.tests) == {"steady", "plain"}


def test_without_confirmation_examples_the_best_on_validation_wins(tmp_path: Path) -> None:
    with Ending(tmp_path, {"lucky": (9, 2), "steady": (8, 8), "plain": (1, 1)}, confirmation=0) as ending:
        assert ending.run() == "lucky"
        assert ending.journal.history.confirmations == {}
        assert ending.finale.scored("lucky").confirmation is None


def test_the_better_on_validation_wins_a_tie(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (7, 7), "b": (8, 6), "plain": (1, 1)}) as ending:
        assert ending.run() == "b"


def test_the_earlier_trial_wins_a_tie_of_both(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (8, 6), "b": (8, 6), "plain": (1, 1)}) as ending:
        assert ending.run() == "a"


def test_only_the_finalists_and_the_plain_instruction_are_scored_again(tmp_path: Path) -> None:
    rates = {"a": (9, 1), "b": (8, 1), "c": (7, 9), "plain": (1, 1)}
    with Ending(tmp_path, rates, finalists=2) as ending:
        assert ending.run() == "a"
        assert set(ending.journal.history.confirmations) == {"a", "b", "plain"}


@pytest.mark.parametrize("finalists", [1, 2, 3])
def test_the_plain_instruction_wins_when_it_is_better(tmp_path: Path, finalists: int) -> None:
    rates = {"a": (8, 1), "b": (8, 2), "plain": (6, 10)}
    with Ending(tmp_path, rates, finalists=finalists) as ending:
        assert ending.run() == "plain"
        assert set(ending.journal.history.tests) == {"plain"}


def test_the_plain_instruction_does_not_win_a_tie(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (8, 6), "plain": (8, 6)}) as ending:
        assert ending.run() == "a"


def test_the_users_instruction_wins_when_it_is_better(tmp_path: Path) -> None:
    rates = {"a": (7, 3), "plain": (1, 1), "mine": (7, 9)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        assert ending.run() == "mine"
        assert set(ending.journal.history.tests) == {"mine", "plain"}


def test_the_users_instruction_is_tested_beside_the_winner(tmp_path: Path) -> None:
    rates = {"a": (9, 9), "plain": (1, 1), "mine": (2, 2)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        assert ending.run() == "a"
        assert set(ending.journal.history.tests) == {"a", "plain", "mine"}
        assert ending.finale.scored("mine").test.mean == 0.2


def test_the_price_of_a_length_counts_in_the_end_too(tmp_path: Path) -> None:
    long = "a" * 100
    rates = {long: (10, 9), "short": (8, 8), "plain": (1, 1)}
    for name, penalty, winner in (("free", 0.0, long), ("dear", 0.2, "short")):
        (tmp_path / name).mkdir()
        with Ending(tmp_path / name, rates, penalty=penalty) as ending:
            assert ending.run() == winner


@pytest.mark.parametrize("baseline", [None, "mine", "plain", "a"])
@pytest.mark.parametrize("finalists", [1, 3, 9])
@pytest.mark.parametrize("confirmation", [0, PART])
def test_no_more_questions_are_asked_than_were_said(
    tmp_path: Path, baseline: str | None, finalists: int, confirmation: int
) -> None:
    rates = {"a": (9, 1), "b": (8, 8), "c": (7, 5), "d": (6, 6), "plain": (1, 1), "mine": (2, 2)}
    with Ending(tmp_path, rates, baseline=baseline, finalists=finalists, confirmation=confirmation) as ending:
        ending.run()
        assert 0 < ending.box.calls.total() <= ending.finale.questions()
        assert set(ending.box.calls.values()) == {1}
        assert sum(ending.observer.announced) == ending.box.calls.total()


def test_the_bound_is_reached_when_nothing_coincides(tmp_path: Path) -> None:
    rates = {"a": (9, 9), "b": (8, 8), "c": (7, 5), "plain": (1, 1), "mine": (2, 2)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        ending.run()
        assert ending.box.calls.total() == ending.finale.questions() == 4 * PART + 3 * PART


@pytest.mark.parametrize("baseline", ["plain", "a"])
def test_a_baseline_that_is_asked_about_anyway_costs_nothing_more(tmp_path: Path, baseline: str) -> None:
    with Ending(tmp_path, {"a": (9, 9), "plain": (1, 1)}, baseline=baseline) as ending:
        ending.run()
        assert ending.box.calls.total() == 2 * PART + 2 * PART
        assert set(ending.journal.history.tests) == {"a", "plain"}


@pytest.mark.parametrize("answers", [0, 1, PART - 1, PART, 3 * PART + 5, 4 * PART, 5 * PART + 1, 7 * PART - 1])
def test_broken_off_anywhere_it_goes_on_with_the_same_record_and_asks_nothing_twice(
    tmp_path: Path, answers: int
) -> None:
    rates = {"a": (9, 2), "b": (8, 8), "c": (7, 5), "plain": (1, 1), "mine": (2, 2)}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    with Ending(whole, rates, baseline="mine") as reference:
        winner = reference.run()
    with Ending(broken, rates, baseline="mine", fail_after=answers) as first, pytest.raises(Exception, match="broke"):
        first.run()
    with Ending(broken, rates, baseline="mine") as second:
        assert second.run() == winner
        assert first.box.calls.total() + second.box.calls.total() == reference.box.calls.total()
        assert not first.box.calls & second.box.calls
    assert (broken / "journal.jsonl").read_bytes() == (whole / "journal.jsonl").read_bytes()


def test_run_again_it_records_and_asks_nothing(tmp_path: Path) -> None:
    rates = {"a": (9, 2), "b": (8, 8), "plain": (1, 1)}
    with Ending(tmp_path, rates) as ending:
        winner = ending.run()
    written = (tmp_path / "journal.jsonl").read_bytes()
    kinds = [line.partition(b",")[0] for line in written.splitlines()]
    assert (kinds.count(b'{"kind":"confirmation"'), kinds.count(b'{"kind":"test"')) == (3, 2)
    with Ending(tmp_path, rates) as again:
        assert again.run() == winner
        assert again.box.calls.total() == 0
        assert again.observer.announced == []
    assert (tmp_path / "journal.jsonl").read_bytes() == written


def test_exemplars_in_an_instruction_are_found(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (9, 2), "plain": (1, 1)}) as ending:
        assert ending.finale.leaks("A giraffe becomes a zebra.") == ending.finale.task.exemplars
        assert ending.finale.leaks("Name the opposite.") == ()
