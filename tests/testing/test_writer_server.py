"""The test server of writers: both interfaces, and refused requests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from instructzero.models.packed import embedded_folder
from instructzero.testing.writer_server import WriterServer

GREEDY = {
    "temperature": 0,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "stop_token_ids": [2000],
}
COMPLETION = {"model": "writer", "prompt": [5, 6, 7], "max_tokens": 3, **GREEDY}
GENERATION = {"input_ids": [5, 6, 7], "sampling_params": {"max_new_tokens": 3, **GREEDY}}


@pytest.fixture(scope="module")
def server() -> Iterator[WriterServer]:
    with WriterServer(str(embedded_folder() / "writer"), name="writer") as server:
        yield server


def post(server: WriterServer, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(server.url + path, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_both_interfaces_give_same_text(server: WriterServer) -> None:
    _, completion = post(server, "/v1/completions", {**COMPLETION, "return_token_ids": True})
    _, generation = post(server, "/generate", GENERATION)
    assert completion["choices"][0]["text"] == generation["text"]
    assert completion["choices"][0]["token_ids"] == generation["output_ids"]
    assert 1 <= len(generation["output_ids"]) <= 3


def test_token_ids_are_returned_only_on_request(server: WriterServer) -> None:
    assert "token_ids" not in post(server, "/v1/completions", COMPLETION)[1]["choices"][0]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"temperature": 0.7}, 400),
        ({"repetition_penalty": 1.8}, 400),
        ({"stop_token_ids": []}, 400),
        ({"max_tokens": 3000}, 400),
        ({"model": "another"}, 404),
        ({"prompt_embeds": "no base64!"}, 400),
    ],
)
def test_invalid_completion_requests_are_refused(change: dict[str, Any], status: int, server: WriterServer) -> None:
    assert post(server, "/v1/completions", {**COMPLETION, **change})[0] == status


def test_embeddings_with_integer_first_are_refused(server: WriterServer) -> None:
    body = {"input_embeds": [[0] * 256, [0.5] * 256], "sampling_params": GENERATION["sampling_params"]}
    status, said = post(server, "/generate", body)
    assert status == 400
    assert "first number is a float" in said["error"]["message"]
