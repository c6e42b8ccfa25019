"""Scoring on the validation examples: aligned prefixes, complete leaders, and no lost winner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.calls.store import CallStore
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.records.objective import Objective
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.racing import Race, sixths
from instructzero.search.validation import Promising, Validation
from instructzero.types import Completion, Evaluation, Example, Message, Request

CERTAIN = 1e-12
"""An alpha with which only instructions that cannot win drop out."""

SIZE = 8
EXAMPLES = [Example(str(number), ("1",)) for number in range(SIZE)]
Table = dict[str, Sequence[float]]


def render(instruction: str, example: Example) -> tuple[Message, ...]:
    return (Message("user", json.dumps([instruction, int(example.input)])),)


class Gated(ScriptedBlackBox):
    """While the gate is closed, only questions about the instruction ``a`` are answered."""

    def __init__(self, script: Callable[[str], str]) -> None:
        super().__init__(script)
        self.gate = asyncio.Event()
        self.gate.set()

    async def complete(self, request: Request) -> Completion:
        if json.loads(request.messages[0].content)[0] != "a":
            await self.gate.wait()
        return await super().complete(request)


class Bench:
    """Instructions with a table of their scores by example, which a scripted black box answers as text."""

    def __init__(
        self,
        table: Table,
        alpha: float | None = None,
        penalty: float = 0.0,
        looks: Sequence[int] | None = None,
        places: int = 1,
        promising: Promising = lambda results, places: None,
    ) -> None:
        def answer(prompt: str) -> str:
            instruction, number = json.loads(prompt)
            return str(table[instruction][number])

        self.box = Gated(answer)
        self.objective = Objective(penalty)
        self._open = ExitStack()
        store = self._open.enter_context(CallStore(":memory:"))
        opened = Evaluator.of(self.box, store, lambda prediction, _: float(prediction), render=render)
        self.evaluator = self._open.enter_context(opened)
        race = None if alpha is None else Race(SIZE, tuple(looks or sixths(SIZE)), alpha)
        self.validation = Validation(self.evaluator, EXAMPLES, self.objective, race, places, promising)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def score(self, instructions: Sequence[str], *values: float) -> dict[str, Evaluation]:
        return dict(zip(instructions, self.validation.score(instructions, values), strict=True))

    def best(self, results: dict[str, Evaluation]) -> str:
        """Return the complete result with the highest value, the first of equals."""
        complete = [text for text, each in results.items() if self.validation.is_complete(each)]
        return max(complete, key=lambda text: self.objective.value(text, results[text]))


def ones(right: int) -> list[float]:
    """Return ``right`` ones, spread over the examples, among zeros."""
    return [float((number + 1) * right // SIZE > number * right // SIZE) for number in range(SIZE)]


SCORES = st.lists(st.sampled_from([0.0, 0.3, 0.5, 1.0]), min_size=SIZE, max_size=SIZE)
TABLES = st.lists(SCORES, min_size=1, max_size=6).map(
    lambda rows: {"abcdef"[number] * (1 + number): row for number, row in enumerate(rows)}
)
quickly = settings(deadline=None, max_examples=40)


def test_score_without_race_is_complete() -> None:
    with Bench({"good": ones(8), "bad": ones(0)}) as bench:
        results = bench.score(["bad", "good"], 1.0)
        assert {text: each.mean for text, each in results.items()} == {"bad": 0.0, "good": 1.0}
        assert all(map(bench.validation.is_complete, results.values()))
        assert bench.box.calls.total() == 2 * SIZE


def test_score_without_race_yields_results_when_complete() -> None:
    with Bench({"a": ones(8), "b": ones(8)}) as bench:
        bench.box.gate.clear()
        results = iter(bench.validation.score(["a", "b"], [0.0]))
        assert next(results).mean == 1.0
        assert bench.box.calls.total() == SIZE
        bench.box.gate.set()
        assert next(results).mean == 1.0


@quickly
@given(table=TABLES, target=st.sampled_from([0.0, 0.4, 0.75, 1.0]), alpha=st.sampled_from([CERTAIN, 0.05, 0.5]))
def test_race_results_are_aligned_prefixes(table: Table, target: float, alpha: float) -> None:
    with Bench(table, alpha) as bench:
        for text, result in bench.score(list(table), target).items():
            assert list(result.scores) == list(table[text])[: len(result.scores)]
            assert result.predictions == tuple(str(score) for score in result.scores)
            assert len(result.scores) in sixths(SIZE)
            assert (
                result.usage.calls
                == len(result.scores)
                == sum(count for prompt, count in bench.box.calls.items() if json.loads(prompt)[0] == text)
            )
        assert set(bench.box.calls.values()) == {1}


@quickly
@given(table=TABLES, target=st.sampled_from([0.0, 0.4, 0.75, 1.0]), penalty=st.sampled_from([0.0, 1.0]))
def test_race_scores_leader_completely(table: Table, target: float, penalty: float) -> None:
    with Bench(table, CERTAIN, penalty) as bench:
        results, first = bench.score(list(table), target), sixths(SIZE)[0]
        starts = {
            text: max(0.0, sum(row[:first]) / first - bench.objective.penalty(text)) for text, row in table.items()
        }
        assert bench.validation.is_complete(results[max(starts, key=lambda text: starts[text])])


@quickly
@given(
    table=TABLES,
    known=st.lists(st.sampled_from([0.0, 0.4, 0.75, 1.0]), max_size=4),
    places=st.integers(1, 4),
    penalty=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_race_fills_places_like_complete_scoring(table: Table, known: list[float], places: int, penalty: float) -> None:
    """With certainty only; among equals the place may go to another, and a value of 0 counts as no place."""
    with Bench(table, CERTAIN, penalty, places=places) as bench, Bench(table, penalty=penalty) as whole:
        results, full = bench.score(list(table), *known), whole.score(list(table))
        complete = {text: each for text, each in results.items() if bench.validation.is_complete(each)}
        filled, expected = (
            sorted([*known, *(whole.objective.value(*each) for each in of.items())])[-places:]
            for of in (complete, full)
        )
        assert [value for value in filled if value > 0] == [value for value in expected if value > 0]


def test_race_with_free_places_scores_as_many_leaders_completely() -> None:
    table = {f"{right} right": ones(right) for right in (8, 2, 6, 0, 4)}
    two, one = {"8 right", "6 right"}, {"8 right"}
    for known, expected in (([], two), ([0.9], two), ([0.9, 0.9], one)):
        with Bench(table, CERTAIN, looks=(2, 4, 8), places=2) as bench:
            results = bench.score(list(table), *known)
            assert {text for text, each in results.items() if bench.validation.is_complete(each)} == expected


@quickly
@given(table=TABLES, penalty=st.sampled_from([0.0, 0.1, 1.0]))
def test_race_by_certainty_has_winner_of_complete_scoring(table: Table, penalty: float) -> None:
    with Bench(table, CERTAIN, penalty) as raced, Bench(table, penalty=penalty) as whole:
        winner, expected = (bench.best(bench.score(list(table))) for bench in (raced, whole))
        value = {text: whole.objective.value(text, each) for text, each in whole.score(list(table)).items()}
        assert value[winner] == value[expected]
        assert raced.box.calls.total() <= whole.box.calls.total()


def test_race_takes_fewer_calls_for_same_winner() -> None:
    table = {f"{right} right": ones(right) for right in (1, 2, 0, 3, 8, 1, 2)}
    with Bench(table, 0.05) as raced, Bench(table) as whole:
        assert raced.best(raced.score(list(table))) == whole.best(whole.score(list(table))) == "8 right"
        assert raced.box.calls.total() < 0.7 * whole.box.calls.total()


def test_race_of_hopeless_batch_has_one_complete_result() -> None:
    table = {"a": ones(0), "b": [1.0, *ones(0)[1:]], "c": ones(0)}
    with Bench(table, 0.05) as bench:
        results = bench.score(list(table), 1.0)
        assert [len(each.scores) for each in results.values()] == [1, SIZE, 1]


def test_race_counts_length_penalty() -> None:
    """The long instruction is right on 7 of 8 and beats 6, but needs all 8 to make up for its penalty."""
    long = "long" * 30
    table = {"short": [1.0] * 6 + [0.0] * 2, long: [0.0] + [1.0] * 7}
    for penalty, asked in ((0.0, SIZE), (0.2, 1)):
        with Bench(table, CERTAIN, penalty) as bench:
            assert len(bench.score(["short", long])[long].scores) == asked


@pytest.mark.parametrize("length", range(1, 40, 3))
def test_race_gives_no_place_to_an_equal(length: int) -> None:
    """Rounding of scores and penalties must not decide it."""
    leader, equal, better = (
        ("x" * length, [1.0] * 7 + [0.0]),
        ("y" * length, [1.0, 0.0] + [1.0] * 6),
        ("z" * length, ones(8)),
    )
    for rows, complete in (([leader, equal], ["x"]), ([leader, equal, better], ["x", "z"])):
        with Bench(dict(rows), CERTAIN, 0.07) as bench:
            results = bench.score([text for text, _ in rows])
            assert [text[0] for text, each in results.items() if bench.validation.is_complete(each)] == complete


@pytest.mark.parametrize("alpha", [None, 0.05])
def test_score_of_equal_texts_asks_once(alpha: float | None) -> None:
    with Bench({"a": ones(5), "b": ones(8)}, alpha) as bench:
        first, other, second = bench.validation.score(["a", "b", "a"], [0.0])
        assert first.scores == second.scores == tuple(ones(5))[: len(first.scores)]
        assert other.mean == 1.0
        assert set(bench.box.calls.values()) == {1}


@pytest.mark.parametrize("alpha", [None, 0.05])
def test_score_of_no_instructions_is_empty(alpha: float | None) -> None:
    with Bench({}, alpha) as bench:
        assert list(bench.validation.score([], [0.5])) == []


def test_whole_ignores_the_race() -> None:
    with Bench({"a": ones(0)}, 0.5) as bench:
        (result,) = bench.validation.whole(["a"])
        assert bench.validation.is_complete(result)


def test_race_with_single_look_has_one_stage() -> None:
    with Bench({"a": ones(3), "b": ones(5)}, 0.05, looks=(SIZE,)) as bench:
        assert [each.mean for each in bench.score(["a", "b"]).values()] == [3 / SIZE, 5 / SIZE]


# With a posterior that decides who goes on


class Deciding:
    """Names the texts of each look in turn, and keeps the results that it received."""

    def __init__(self, named: Sequence[Collection[str] | None]) -> None:
        self._named = list(named)
        self.received: list[dict[str, Evaluation]] = []

    def __call__(self, results: Mapping[str, Evaluation], places: int) -> Collection[str] | None:
        assert places == 1
        self.received.append(dict(results))
        return self._named[len(self.received) - 1]


LOOKS = (2, 4, 8)


@quickly
@given(
    table=TABLES,
    named=st.lists(st.sets(st.sampled_from("abcdef")), min_size=3, max_size=3),
    target=st.sampled_from([0.0, 0.75, 1.0]),
)
def test_stages_go_on_for_promising_texts_only(table: Table, named: list[set[str]], target: float) -> None:
    """No text is scored ahead, as the leader of a race is, and a text that was left out does not return."""
    texts = {text[0]: text for text in table}
    deciding = Deciding([{texts.get(letter, letter) for letter in letters} for letters in named])
    with Bench(table, 0.05, looks=LOOKS, promising=deciding) as bench:
        results = bench.score(list(table), target)
        for letter, text in texts.items():
            left_out = next((look for look, letters in zip(LOOKS, named, strict=True) if letter not in letters), SIZE)
            assert list(results[text].scores) == list(table[text])[:left_out]
            assert results[text].usage.calls == left_out
        assert bench.box.calls.total() == sum(len(result.scores) for result in results.values())
        assert set(bench.box.calls.values()) == {1}


def test_promising_receives_all_results_so_far_at_every_look() -> None:
    deciding = Deciding([{"a", "b"}, {"b"}, set()])
    table = {"a": ones(5), "b": ones(8), "c": ones(3)}
    with Bench(table, 0.05, looks=LOOKS, promising=deciding) as bench:
        bench.score(list(table))
    sizes = [{text: len(result.scores) for text, result in results.items()} for results in deciding.received]
    assert sizes == [{"a": 2, "b": 2, "c": 2}, {"a": 4, "b": 4, "c": 2}, {"a": 4, "b": 8, "c": 2}]
    assert all(
        list(result.scores) == table[text][: len(result.scores)]
        for results in deciding.received
        for text, result in results.items()
    )


@pytest.mark.parametrize("penalty", [0.0, 0.1, 1.0])
def test_promising_receives_scores_minus_length_penalty_and_results_do_not_have_it(penalty: float) -> None:
    long = "b" * 50
    table, deciding = {"a": ones(4), long: ones(7)}, Deciding([{"a", long}, {long}, set()])
    with Bench(table, 0.05, penalty, looks=LOOKS, promising=deciding) as bench:
        results = bench.score(list(table))
    for received in deciding.received:
        for text, result in received.items():
            raw = table[text][: len(result.scores)]
            assert result.scores == bench.objective.scores(text, raw)
            assert sum(result.scores) == pytest.approx(max(0.0, sum(raw) - penalty * len(text) / 100 * len(raw)))
    assert [list(result.scores) for result in results.values()] == [ones(4)[:4], ones(7)]


def test_promising_is_not_asked_again_when_nothing_goes_on() -> None:
    deciding = Deciding([()])
    with Bench({"a": ones(8), "b": ones(8)}, 0.05, looks=LOOKS, promising=deciding) as bench:
        assert [len(result.scores) for result in bench.score(["a", "b"]).values()] == [2, 2]
        assert list(bench.validation.score([], [0.5])) == []
    assert len(deciding.received) == 1


@quickly
@given(table=TABLES, target=st.sampled_from([0.0, 0.4, 0.75, 1.0]), alpha=st.sampled_from([CERTAIN, 0.05, 0.5]))
def test_test_of_the_race_decides_if_promising_returns_none(table: Table, target: float, alpha: float) -> None:
    deciding = Deciding([None] * SIZE)
    with Bench(table, alpha, promising=deciding) as bench, Bench(table, alpha) as raced:
        assert bench.score(list(table), target) == raced.score(list(table), target)
        assert bench.box.calls == raced.box.calls
    assert deciding.received


def test_promising_is_not_asked_without_a_race() -> None:
    deciding = Deciding([])
    with Bench({"a": ones(0), "b": ones(8)}, promising=deciding) as bench:
        assert [len(result.scores) for result in bench.score(["a", "b"], 1.0).values()] == [SIZE, SIZE]
        assert bench.validation.is_complete(next(bench.validation.whole(["a"])))
    assert not deciding.received
