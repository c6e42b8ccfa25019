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


def test_embeddings_travel_as_numbers_of_the_whole_prompt() -> None:
    head, soft, tail = (torch.randn(length, 4) for length in (2, 3, 1))
    body = json.loads(Sglang().frame(ORDER, head, tail)(soft))
    assert body.keys() == {"input_embeds", "sampling_params"}
    assert body["sampling_params"] == GREEDY
    assert torch.equal(torch.tensor(body["input_embeds"]), torch.cat([head, soft, tail]))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_a_float32_arrives_to_the_last_bit_and_as_a_float(numbers: list[float]) -> None:
    none = torch.empty(0, len(numbers))
    (row,) = json.loads(Sglang().frame(ORDER, none, none)(torch.tensor([numbers])))["input_embeds"]
    assert all(type(number) is float for number in row)
    assert torch.equal(torch.tensor(row), torch.tensor(numbers))


def test_tokens_travel_as_they_are() -> None:
    assert json.loads(Sglang().tokens(ORDER, [1, 5])) == {"input_ids": [1, 5], "sampling_params": GREEDY}


def test_what_a_reply_says() -> None:
    said = reply({"text": " it", "output_ids": [7, 8], "meta_info": ENDED})
    assert Sglang().read(said, SERVICE) == Written(" it", (7, 8))


def test_a_server_that_says_no_ids_is_believed_its_text() -> None:
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
def test_a_reply_that_says_nothing_is_no_text(body: object) -> None:
    with pytest.raises(TransientError):
        Sglang().read(reply(body), SERVICE)


def test_a_reply_that_is_no_json() -> None:
    with pytest.raises(TransientError):
        Sglang().read(Reply(200, {"content-type": "text/html"}, b"<html>"), SERVICE)
