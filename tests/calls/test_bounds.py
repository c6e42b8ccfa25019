"""Bounds of a try, and what is charged where a service leaves a part of the usage out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.bounds import RoleBounds, bound_of, charge_of
from instructzero.calls.prices import Price
from instructzero.types import Completion, Finish, Message, Request, Usage

BOUND = Usage(1, 200, 256)


@given(st.lists(st.text(), max_size=4), st.integers(1, 100))
def test_bound_of_request_is_above_any_byte_level_token_count(contents: list[str], max_tokens: int) -> None:
    request = Request(tuple(Message("user", content) for content in contents), max_tokens=max_tokens)
    bound = bound_of(request)
    assert (bound.calls, bound.completion_tokens) == (1, max_tokens)
    assert bound.prompt_tokens == 128 + sum(16 + len(content.encode()) for content in contents)


def test_bound_of_request_accepts_text_that_is_not_utf8() -> None:
    assert bound_of(Request((Message("user", "\ud800"),))).prompt_tokens == 128 + 16 + 3


@pytest.mark.parametrize(
    ("completion", "charge"),
    [
        (Completion("Paris", 40, 2), Usage(1, 40, 2)),
        (Completion("Paris", 40, 1002, cached_tokens=8, reasoning_tokens=1000), Usage(1, 40, 1002, 8, 1000)),
        (Completion("Paris", 900, 2), Usage(1, 900, 2)),
        (Completion("Paris"), BOUND),
        (Completion("Paris", 0, 2), Usage(1, 200, 2)),
        (Completion("Paris", 40, 0), Usage(1, 40, 256)),
        (Completion("Paris", 40, 0, reasoning_tokens=1000), Usage(1, 40, 1256, 0, 1000)),
        (Completion("", 40, 0, Finish.FILTERED), Usage(1, 40, 0)),
        (Completion("", 40, 0, reasoning_tokens=7), Usage(1, 40, 263, 0, 7)),
        (Completion("", 40, 0, Finish.CUT), Usage(1, 40, 256)),
        (Completion.failed("too long"), BOUND),
    ],
)
def test_field_that_is_not_reported_is_charged_at_its_bound(completion: Completion, charge: Usage) -> None:
    assert charge_of(completion, BOUND) == charge


def test_bound_grows_by_twice_the_largest_excess() -> None:
    bounds = RoleBounds("judge", None)
    assert not bounds.learn(Completion("a", 40, 256), BOUND)
    assert bounds.of(BOUND) == BOUND
    bounds.learn(Completion("a", 40, 300), BOUND)
    bounds.learn(Completion("a", 210, 280), BOUND)
    assert bounds.of(BOUND) == Usage(1, 200 + 2 * 10, 256 + 2 * 44)
    assert bounds.of(Usage(1, 7, 8)) == Usage(1, 7 + 2 * 10, 8 + 2 * 44)


def test_charge_at_a_grown_bound_does_not_make_it_grow() -> None:
    bounds = RoleBounds("judge", None)
    bounds.learn(Completion("a", 40, 300), BOUND)
    grown = bounds.of(BOUND)
    assert charge_of(Completion("a"), grown) == grown
    bounds.learn(Completion("a"), BOUND)
    assert bounds.of(BOUND) == grown


def test_first_excess_is_said_with_its_numbers() -> None:
    bounds = RoleBounds("black box", None)
    assert bounds.learn(Completion("a", 40, 1002), BOUND) == (
        "an answer of the black box took 1,002 tokens, 746 more than the 256 set aside: the service bills more than "
        "the longest answer, such as thoughts; more is set aside for the following ones"
    )
    assert bounds.learn(Completion("a", 40, 5002), BOUND) == ""
    other = RoleBounds("judge", None).learn(Completion("a", 1200, 2), BOUND)
    assert (
        "has a prompt of 1,200 tokens, 1,000 more than the 200 set aside: the service adds a text of its own" in other
    )


def test_role_is_proven_by_an_answer_and_not_by_a_refusal() -> None:
    bounds = RoleBounds("judge", None)
    bounds.learn(Completion.failed("too long"), BOUND)
    assert not bounds.proven
    bounds.learn(Completion("a"), BOUND)
    assert bounds.proven


def test_bound_counts_tokens_as_those_that_cost_the_most() -> None:
    assert RoleBounds("judge", Price(1, 2, cached=0.1, reasoning=1)).of(BOUND) == BOUND
    assert RoleBounds("judge", Price(1, 2, cached=3, reasoning=4)).of(BOUND) == Usage(1, 200, 256, 200, 256)
