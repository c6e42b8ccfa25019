from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from instructzero.errors import ModelError, TransientError
from instructzero.models.served_writer import ServedWriter
from instructzero.models.service import Reply, Service
from instructzero.models.vllm import Vllm
from instructzero.models.wire import Order, Written
from instructzero.testing.writer_server import WriterServer
from tests.models.conftest import byte_tokenizer

ORDER = Order("the-model", 12, (2, 9))
GREEDY = {
    "model": "the-model",
    "max_tokens": 12,
    "temperature": 0,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "stop_token_ids": [2, 9],
    "return_token_ids": True,
}
SERVICE = Service("http://host:8000", "the-model", "VLLM_API_KEY", "")


def reply(body: object) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(body).encode())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_frame_writes_the_whole_prompt_as_a_tensor(dtype: torch.dtype) -> None:
    head, soft, tail = (torch.randn(length, 4).to(dtype) for length in (2, 3, 1))
    body = json.loads(Vllm().frame(ORDER, head, tail)(soft))
    sent = body.pop("prompt_embeds")
    tensor = torch.load(io.BytesIO(base64.b64decode(sent, validate=True)), weights_only=True)
    assert body == GREEDY  # without a prompt, which the server would continue too
    assert torch.equal(tensor, torch.cat([head, soft, tail]))
    assert tensor.dtype == dtype


def test_frame_of_a_view_of_a_large_table_is_small() -> None:
    table = torch.zeros(10_000, 4)
    assert len(Vllm().frame(ORDER, table[:2], table[:0])(table[:0])) < 4000


def test_tokens_are_sent_unchanged() -> None:
    assert json.loads(Vllm().tokens(ORDER, [1, 5])) == {**GREEDY, "prompt": [1, 5]}


def test_read_returns_text_and_ids() -> None:
    choice = {"index": 0, "text": " it", "token_ids": [7, 8]}
    assert Vllm().read(reply({"choices": [choice]}), SERVICE) == Written(" it", (7, 8))


@pytest.mark.parametrize("ids", [{}, {"token_ids": None}, {"token_ids": ["a"]}, {"token_ids": [-1]}])
def test_read_without_ids_returns_the_text(ids: dict[str, object]) -> None:
    assert Vllm().read(reply({"choices": [{"text": " it", **ids}]}), SERVICE) == Written(" it", None)


@pytest.mark.parametrize("body", [{}, {"choices": []}, [1], {"error": {"message": "engine dead"}}])
def test_read_of_a_reply_without_text_raises_transient_error(body: object) -> None:
    with pytest.raises(TransientError):
        Vllm().read(reply(body), SERVICE)


def test_server_with_another_hidden_size_raises_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    size = {"hidden_size": 64, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=259, bos_token_id=1, eos_token_id=2, max_position_embeddings=64, **size)
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    byte_tokenizer(chat=False).save_pretrained(tmp_path)
    with WriterServer(str(tmp_path), name="llama") as server:
        writer = ServedWriter(Vllm(), str(tiny_llama), url=server.url)
        with pytest.raises(ModelError, match=r"of hidden size 32, .* does not match the model's hidden_size 64"):
            writer.generate(None, "", "hello", max_new_tokens=4, special_tokens=True)


def test_server_that_renamed_its_model_raises_model_error(tiny_llama: Path) -> None:
    with WriterServer(str(tiny_llama)) as server:
        writer = ServedWriter(Vllm(), str(tiny_llama), url=server.url)
        write = {"max_new_tokens": 2, "special_tokens": True}
        writer.generate(None, "", "hello", **write)
        server.name = "renamed"
        with pytest.raises(ModelError, match="check the model's name and writer_url"):
            writer.generate(None, "", "hello", **write)
