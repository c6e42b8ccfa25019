from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import TransientError
from instructzero.models.service import Reply, Service
from instructzero.models.sglang import Sglang
from instructzero.models.wire import Order, Written

ORDER = Order("the-model", 12, (2, 9))
GREEDY = {
    "max_new_tokens": 12,
    "temperature": 0,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "stop_token_ids": [2, 9],
}
SERVICE = Service("http://host:30000", "the-model", "SGLANG_API_KEY", "")
ENDED = {"finish_reason": {"type": "stop", "matched": 2}, "prompt_tokens": 6, "completion_tokens": 2}


def reply(body: object) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(body).encode())


def test_frame_writes_the_whole_prompt_as_numbers() -> None:
    head, soft, tail = (torch.randn(length, 4) for length in (2, 3, 1))
    body = json.loads(Sglang().frame(ORDER, head, tail)(soft))
    assert body.keys() == {"input_embeds", "sampling_params"}
    assert body["sampling_params"] == GREEDY
    assert torch.equal(torch.tensor(body["input_embeds"]), torch.cat([head, soft, tail]))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_frame_writes_float32_exactly_and_with_exponent(numbers: list[float]) -> None:
    none = torch.empty(0, len(numbers))
    (row,) = json.loads(Sglang().frame(ORDER, none, none)(torch.tensor([numbers])))["input_embeds"]
    assert all(type(number) is float for number in row)
    assert torch.equal(torch.tensor(row), torch.tensor(numbers))


def test_tokens_are_sent_unchanged() -> None:
    assert json.loads(Sglang().tokens(ORDER, [1, 5])) == {"input_ids": [1, 5], "sampling_params": GREEDY}


def test_read_returns_text_and_ids() -> None:
    said = reply({"text": " it", "output_ids": [7, 8], "meta_info": ENDED})
    assert Sglang().read(said, SERVICE) == Written(" it", (7, 8))


def test_read_without_ids_returns_the_text() -> None:
    assert Sglang().read(reply({"text": " it", "meta_info": ENDED}), SERVICE) == Written(" it", None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": 7},
        [{"text": "of a batch"}],
        {"text": " half", "meta_info": {"finish_reason": {"type": "abort", "message": "out of memory"}}},
    ],
)
def test_read_of_a_reply_without_text_raises_transient_error(body: object) -> None:
    with pytest.raises(TransientError):
        Sglang().read(reply(body), SERVICE)


def test_read_of_a_reply_that_is_not_json_raises_transient_error() -> None:
    with pytest.raises(TransientError):
        Sglang().read(Reply(200, {"content-type": "text/html"}, b"<html>"), SERVICE)
