"""The final selection and test: the winner, the questions, and that no question is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from instructzero.calls.store import CallStore
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.finale import Finale, Selection
from instructzero.tasks import Task, get_metric
from instructzero.types import Candidate, Evaluation, Example, Message, Proposal, Writing

PART = 10
"""The number of validation, confirmation and test examples."""

Rates = Mapping[str, tuple[int, int]]


def examples(name: str, size: int = PART) -> tuple[Example, ...]:
    return tuple(Example(f"{name} {number}", ("right",)) for number in range(size))


def render(instruction: str, example: Example) -> tuple[Message, ...]:
    return (Message("user", f"{instruction}|{example.input}"),)


class Counting(Observer):
    def __init__(self) -> None:
        self.announced: list[int] = []

    def testing_started(self, answers: int) -> None:
        self.announced.append(answers)


class Ending:
    """A finished search; ``rates`` holds the right answers per instruction on validation and on the other examples."""

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
        starts: tuple[str, ...] = (),
    ) -> None:
        def answer(prompt: str) -> str:
            instruction, _, text = prompt.partition("|")
            part, _, number = text.partition(" ")
            right = rates[instruction][0 if part == "validation" else 1]
            return "right" if int(number) < right else "wrong"

        self.box = ScriptedBlackBox(answer, fail_after=fail_after)
        self._open = ExitStack()
        self.store = self._open.enter_context(CallStore(folder / "calls.sqlite"))
        self.observer = Counting()
        task = Task(
            name="t",
            exemplars=(Example("giraffe", ("zebra",)),),
            validation=examples("validation"),
            test=examples("test"),
            metric=get_metric("exact_match"),
            confirmation=examples("confirmation", confirmation),
        )
        opened = Evaluator.of(self.box, self.store, task.metric, render=render)
        self.evaluator = self._open.enter_context(opened)
        self.journal = Journal(folder / "journal.jsonl")
        self.plain = plain
        if self.journal.history.plain is None:
            self._search(rates, baseline)
        objective = Objective(penalty)
        self.finale = Finale(task, self.evaluator, objective, self.journal, self.observer, finalists, baseline, starts)
        known = self.journal.history.known_evaluations()
        self.ranked = sorted(rates, key=lambda text: -objective.value(text, known[text]))

    def _search(self, rates: Rates, baseline: str | None) -> None:
        """Record the validation results; the order of ``rates`` is the order of the trials."""
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
        self._open.close()

    def run(self) -> str:
        return self.select().winner

    def select(self) -> Selection:
        return self.finale.run(self.ranked, self.plain)


def _result(right: int) -> Evaluation:
    scores = tuple(float(number < right) for number in range(PART))
    return Evaluation(scores, tuple("right" if score else "wrong" for score in scores))


def test_winner_is_best_on_validation_and_confirmation_together(tmp_path: Path) -> None:
    """The best of the search by chance (9 + 2) loses to the reliable one (8 + 8)."""
    with Ending(tmp_path, {"lucky": (9, 2), "steady": (8, 8), "plain": (1, 1)}) as ending:
        assert ending.run() == "steady"
        assert set(ending.journal.history.confirmations) == {"lucky", "steady", "plain"}
        assert set(ending.journal.history.tests) == {"steady", "plain"}


def test_winner_without_confirmation_is_best_on_validation(tmp_path: Path) -> None:
    with Ending(tmp_path, {"lucky": (9, 2), "steady": (8, 8), "plain": (1, 1)}, confirmation=0) as ending:
        assert ending.run() == "lucky"
        assert ending.journal.history.confirmations == {}
        assert ending.finale.scored("lucky").confirmation is None


def test_tie_is_won_by_better_validation_score(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (7, 7), "b": (8, 6), "plain": (1, 1)}) as ending:
        assert ending.run() == "b"


def test_tie_of_both_scores_is_won_by_earlier_trial(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (8, 6), "b": (8, 6), "plain": (1, 1)}) as ending:
        assert ending.run() == "a"


def test_confirmation_scores_finalists_and_plain_instruction_only(tmp_path: Path) -> None:
    rates = {"a": (9, 1), "b": (8, 1), "c": (7, 9), "plain": (1, 1)}
    with Ending(tmp_path, rates, finalists=2) as ending:
        assert ending.run() == "a"
        assert set(ending.journal.history.confirmations) == {"a", "b", "plain"}


@pytest.mark.parametrize("finalists", [1, 2, 3])
def test_better_plain_instruction_wins(tmp_path: Path, finalists: int) -> None:
    rates = {"a": (8, 1), "b": (8, 2), "plain": (6, 10)}
    with Ending(tmp_path, rates, finalists=finalists) as ending:
        assert ending.run() == "plain"
        assert set(ending.journal.history.tests) == {"plain"}


@pytest.mark.parametrize("rates", [(8, 6), (7, 7), (9, 5)])
def test_tie_with_the_plain_instruction_goes_to_the_plain_instruction(tmp_path: Path, rates: tuple[int, int]) -> None:
    with Ending(tmp_path, {"a": (8, 6), "plain": rates}) as ending:
        assert ending.run() == "plain"


def test_tie_with_the_users_instruction_goes_to_the_users_instruction(tmp_path: Path) -> None:
    rates = {"a": (8, 6), "mine": (8, 6), "plain": (8, 6)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        assert ending.run() == "mine"


def test_better_baseline_wins(tmp_path: Path) -> None:
    rates = {"a": (7, 3), "plain": (1, 1), "mine": (7, 9)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        assert ending.run() == "mine"
        assert set(ending.journal.history.tests) == {"mine", "plain"}


def test_baseline_is_tested_with_the_winner(tmp_path: Path) -> None:
    rates = {"a": (9, 9), "plain": (1, 1), "mine": (2, 2)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        assert ending.run() == "a"
        assert set(ending.journal.history.tests) == {"a", "plain", "mine"}
        assert ending.finale.scored("mine").test.mean == 0.2


def test_length_penalty_counts_in_final_selection(tmp_path: Path) -> None:
    long = "a" * 100
    rates = {long: (10, 9), "short": (8, 8), "plain": (1, 1)}
    for name, penalty, winner in (("free", 0.0, long), ("dear", 0.2, "short")):
        (tmp_path / name).mkdir()
        with Ending(tmp_path / name, rates, penalty=penalty) as ending:
            assert ending.run() == winner


@pytest.mark.parametrize("baseline", [None, "mine", "plain", "a"])
@pytest.mark.parametrize("finalists", [1, 3, 9])
@pytest.mark.parametrize("confirmation", [0, PART])
def test_run_asks_no_more_than_questions_says(
    tmp_path: Path, baseline: str | None, finalists: int, confirmation: int
) -> None:
    rates = {"a": (9, 1), "b": (8, 8), "c": (7, 5), "d": (6, 6), "plain": (1, 1), "mine": (2, 2)}
    with Ending(tmp_path, rates, baseline=baseline, finalists=finalists, confirmation=confirmation) as ending:
        ending.run()
        assert 0 < ending.box.calls.total() <= ending.finale.questions()
        assert set(ending.box.calls.values()) == {1}
        assert sum(ending.observer.announced) == ending.box.calls.total()


def test_questions_is_reached_if_nothing_coincides(tmp_path: Path) -> None:
    rates = {"a": (9, 9), "b": (8, 8), "c": (7, 5), "plain": (1, 1), "mine": (2, 2)}
    with Ending(tmp_path, rates, baseline="mine") as ending:
        ending.run()
        assert ending.box.calls.total() == ending.finale.questions() == 4 * PART + 3 * PART


@pytest.mark.parametrize("baseline", ["plain", "a"])
def test_baseline_among_finalists_costs_nothing_more(tmp_path: Path, baseline: str) -> None:
    with Ending(tmp_path, {"a": (9, 9), "plain": (1, 1)}, baseline=baseline) as ending:
        ending.run()
        assert ending.box.calls.total() == 2 * PART + 2 * PART
        assert set(ending.journal.history.tests) == {"a", "plain"}


@pytest.mark.parametrize("answers", [0, 1, PART - 1, PART, 3 * PART + 5, 4 * PART, 5 * PART + 1, 7 * PART - 1])
def test_interrupted_selection_resumes_with_same_record_and_repeats_no_call(tmp_path: Path, answers: int) -> None:
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


def test_second_run_records_and_asks_nothing(tmp_path: Path) -> None:
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


def test_leaks_returns_copied_exemplars(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (9, 2), "plain": (1, 1)}) as ending:
        assert ending.finale.leaks("A giraffe becomes a zebra.") == ending.finale.task.exemplars
        assert ending.finale.leaks("Name the opposite.") == ()


def test_leaks_cover_validation_examples_that_requests_show(tmp_path: Path) -> None:
    with Ending(tmp_path, {"a": (9, 2), "plain": (1, 1)}) as ending:
        task = replace(ending.finale.task, validation=(Example("crocodile", ("reptile",)),))
        hidden = replace(ending.finale, task=task)
        assert hidden.leaks("Say reptile for crocodile.") == ()
        assert replace(hidden, shows_failures=True).leaks("Say reptile for crocodile.") == task.validation


# The user's instructions from which the search started


def test_start_is_kept_unless_the_challenger_is_shown_to_be_better(tmp_path: Path) -> None:
    """On ten examples, nine right answers are not shown to be better than five, but ten than two are."""
    for name, own, other, winner in (
        ("equal", (5, 5), (5, 5), "mine"),
        ("noise", (5, 5), (9, 9), "mine"),
        ("better", (2, 2), (10, 10), "a"),
    ):
        (tmp_path / name).mkdir()
        with Ending(tmp_path / name, {"a": other, "mine": own, "plain": (1, 1)}, starts=("mine",)) as ending:
            assert ending.select() == Selection(winner, ("mine",), "a")


def test_challenger_that_is_only_shown_better_before_the_test_does_not_win(tmp_path: Path) -> None:
    """It was right on all validation examples, and on as many test examples as the user's instruction."""
    rates = {"a": (10, 5), "mine": (2, 5), "plain": (1, 1)}
    with Ending(tmp_path, rates, starts=("mine",), confirmation=0) as ending:
        assert ending.select() == Selection("mine", ("mine",), "a")
        assert set(ending.journal.history.tests) == {"a", "mine", "plain"}


@pytest.mark.parametrize("confirmation", [0, PART])
def test_starts_are_ordered_and_tested_and_challenged_by_the_best_other(tmp_path: Path, confirmation: int) -> None:
    rates = {"a": (6, 6), "b": (5, 5), "first": (2, 2), "second": (3, 3), "third": (3, 3), "plain": (1, 1)}
    starts = ("first", "second", "third")
    with Ending(tmp_path, rates, starts=starts, confirmation=confirmation, finalists=1) as ending:
        assert ending.select() == Selection("second", ("second", "third", "first"), "a")
        history = ending.journal.history
        assert set(history.tests) == {"a", *starts, "plain"}
        assert set(history.confirmations) == ({"a", *starts, "plain"} if confirmation else set())


def test_challenger_is_the_baseline_or_the_plain_instruction_if_these_are_as_good(tmp_path: Path) -> None:
    rates = {"a": (6, 6), "mine": (2, 2), "plain": (6, 6), "other": (6, 6)}
    with Ending(tmp_path, rates, starts=("mine",), baseline="other") as ending:
        assert ending.select().challenger == "other"


def test_start_that_fills_all_places_is_challenged_by_the_plain_instruction(tmp_path: Path) -> None:
    rates = {"a": (5, 5), "mine": (9, 9), "plain": (1, 1)}
    with Ending(tmp_path, rates, starts=("mine",), finalists=1, confirmation=0) as ending:
        assert ending.select() == Selection("mine", ("mine",), "plain")


def test_length_penalty_moves_what_the_challenger_must_be_shown_to_gain(tmp_path: Path) -> None:
    """A long challenger must gain its length, and a short one may lose as much as the user's instruction costs."""
    for name, own, other, kept in (
        ("long", ("mine", (2, 2)), ("a" * 80, (10, 10)), True),
        ("short", ("m" * 80, (5, 5)), ("a", (5, 5)), False),
    ):
        (tmp_path / name).mkdir()
        rates = dict([own, other, ("plain", (0, 0))])
        with Ending(tmp_path / name, rates, starts=(own[0],), penalty=0.8) as ending:
            assert ending.run() == (own if kept else other)[0]


@pytest.mark.parametrize("starts", [("mine",), ("mine", "a"), ("plain",), ("plain", "other"), ("other", "mine")])
@pytest.mark.parametrize("confirmation", [0, PART])
def test_run_with_starts_asks_no_more_than_questions_says(
    tmp_path: Path, starts: tuple[str, ...], confirmation: int
) -> None:
    rates = {"a": (9, 1), "b": (8, 8), "c": (7, 5), "d": (6, 6), "plain": (1, 1), "mine": (2, 2), "other": (3, 3)}
    with Ending(tmp_path, rates, baseline="other", starts=starts, confirmation=confirmation) as ending:
        ending.run()
        assert 0 < ending.box.calls.total() <= ending.finale.questions()
        assert set(ending.box.calls.values()) == {1}
        assert set(starts) <= set(ending.journal.history.tests)


def test_questions_is_reached_with_starts_if_nothing_coincides(tmp_path: Path) -> None:
    rates = {"a": (9, 9), "b": (8, 8), "c": (7, 5), "plain": (1, 1), "mine": (2, 2), "x": (3, 3), "y": (2, 2)}
    with Ending(tmp_path, rates, baseline="mine", starts=("x", "y")) as ending:
        ending.run()
        assert ending.box.calls.total() == ending.finale.questions() == 6 * PART + 5 * PART
