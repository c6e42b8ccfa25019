"""The tokens of an answer, from the reports of services that disagree about thoughts and caches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.models.usage import anthropic_tokens, count, openai_tokens

REPORTS = {
    "OpenAI, no thoughts": (
        {"prompt_tokens": 40, "completion_tokens": 4, "total_tokens": 44,
         "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}},
        (40, 4, 0, 0),
    ),
    "OpenAI, thoughts within the answer, half the prompt cached": (
        {"prompt_tokens": 2048, "completion_tokens": 300, "total_tokens": 2348,
         "prompt_tokens_details": {"cached_tokens": 1024}, "completion_tokens_details": {"reasoning_tokens": 256}},
        (2048, 300, 1024, 256),
    ),
    "xAI, thoughts on top": (
        {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 1042,
         "completion_tokens_details": {"reasoning_tokens": 1000}},
        (40, 1002, 0, 1000),
    ),
    "Gemini, thoughts in the total alone": (
        {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 1042},
        (40, 1002, 0, 1000),
    ),
    "Gemini, cut off within its thoughts": ({"prompt_tokens": 40, "total_tokens": 296}, (40, 256, 0, 0)),
    "thoughts on top, in a field of their own alone": (
        {"prompt_tokens": 40, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1000}},
        (40, 1002, 0, 1000),
    ),
    "thoughts on top that the total leaves out": (
        {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42,
         "completion_tokens_details": {"reasoning_tokens": 1000}},
        (40, 1002, 0, 1000),
    ),
    "Perplexity, thoughts on top, beside the other counts": (
        {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42, "reasoning_tokens": 1000},
        (40, 1002, 0, 1000),
    ),
    "thoughts within the answer, beside the other counts": (
        {"prompt_tokens": 40, "completion_tokens": 300, "total_tokens": 340, "reasoning_tokens": 256},
        (40, 300, 0, 256),
    ),
    "thoughts, and nothing else about the answer": (
        {"prompt_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 1000}},
        (40, 0, 0, 1000),
    ),
    "DeepSeek": (
        {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109, "prompt_cache_hit_tokens": 64,
         "prompt_cache_miss_tokens": 36, "completion_tokens_details": {"reasoning_tokens": 5}},
        (100, 9, 64, 5),
    ),
    "Together": (
        {"prompt_tokens": 18, "completion_tokens": 3, "total_tokens": 21, "cached_tokens": 16}, (18, 3, 16, 0),
    ),
    "a total alone, which may be all the answer's": ({"total_tokens": 44}, (0, 44, 0, 0)),
    "a total below the prompt": ({"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 3}, (40, 2, 0, 0)),
    "more cached than the prompt": (
        {"prompt_tokens": 40, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 41}},
        (40, 2, 0, 0),
    ),
    "details of other types": (
        {"prompt_tokens": 40, "completion_tokens": 2, "prompt_tokens_details": None, "completion_tokens_details": [1]},
        (40, 2, 0, 0),
    ),
    "negative": ({"prompt_tokens": -40, "completion_tokens": -2, "total_tokens": -42}, (0, 0, 0, 0)),
    "texts": ({"prompt_tokens": "40", "completion_tokens": "2", "total_tokens": "42"}, (0, 0, 0, 0)),
    "none": (None, (0, 0, 0, 0)),
    "a list": ([40, 2], (0, 0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_answer_counts_the_larger_of_its_tokens_and_the_rest_of_the_total(name: str) -> None:
    report, tokens = REPORTS[name]
    assert tuple(openai_tokens(report).values()) == tokens


@pytest.mark.parametrize(
    ("report", "tokens"),
    [
        ({"input_tokens": 9, "output_tokens": 4}, (9, 4, 0, 0)),
        (
            {"input_tokens": 9, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 4},
            (119, 4, 100, 0),
        ),
        ({"cache_read_input_tokens": 100, "output_tokens": 4}, (0, 4, 0, 0)),  # the prompt is not known
        ({"input_tokens": "9", "output_tokens": -4}, (0, 0, 0, 0)),
        (None, (0, 0, 0, 0)),
    ],
)
def test_prompt_of_anthropic_is_the_sum_of_its_parts(report: object, tokens: tuple[int, ...]) -> None:
    assert tuple(anthropic_tokens(report).values()) == tokens


@pytest.mark.parametrize(("value", "tokens"), [(10**8, 10**8), (10**8 + 1, 0), (7.2, 8), (float("nan"), 0), (False, 0)])
def test_number_that_no_context_has_is_unknown(value: object, tokens: int) -> None:
    assert count(value) == tokens


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), st.lists, max_leaves=3
)
NAMES = st.sampled_from([
    *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens", "prompt_tokens_details"),
    *("completion_tokens_details", "cached_tokens", "reasoning_tokens", "input_tokens", "output_tokens"),
])  # fmt: skip


@given(JSON | st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=2), max_size=6))
def test_any_report_gives_numbers_that_are_not_negative(report: Any) -> None:
    for tokens in (openai_tokens(report), anthropic_tokens(report)):
        assert all(type(number) is int and number >= 0 for number in tokens.values()), json.dumps(report)
        assert tokens["cached_tokens"] <= tokens["prompt_tokens"]
        assert tokens["reasoning_tokens"] <= tokens["completion_tokens"] or not tokens["completion_tokens"]
