"""How vLLM continues embeddings: OpenAI's completions with ``prompt_embeds``, from version 0.9.

https://docs.vllm.ai/en/latest/features/prompt_embeds.html
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from instructzero.models.openai import read_answer
from instructzero.models.service import Reply, Service
from instructzero.models.wire import Order, Written, token_ids


class Vllm:
    """A server that was started with ``vllm serve MODEL --enable-prompt-embeds``."""

    backend = "vllm"
    default_url = "http://localhost:8000"
    variable = "VLLM_API_KEY"
    path = "/v1/completions"
    command = "vllm serve"
    flags = "--enable-prompt-embeds"
    refusal = "enable-prompt-embeds"

    def frame(self, order: Order, head: Tensor, tail: Tensor) -> Callable[[Tensor], bytes]:
        common = _common(order)

        def body(soft: Tensor) -> bytes:
            return json.dumps({**common, "prompt_embeds": _encoded(torch.cat([head, soft, tail]))}).encode("ascii")

        return body

    def tokens(self, order: Order, ids: Sequence[int]) -> bytes:
        return json.dumps({**_common(order), "prompt": list(ids)}).encode("ascii")

    def read(self, reply: Reply, service: Service) -> Written:
        text = read_answer(reply, service).text
        return Written(text, token_ids(json.loads(reply.body)["choices"][0].get("token_ids")))


def _common(order: Order) -> dict[str, Any]:
    # Greedily, and without the penalties that a checkpoint's generation settings may ask for. ``prompt`` is left out,
    # because a server continues it as a text of its own. Servers before 0.10.2 do not know ``return_token_ids``.
    return {
        "model": order.model,
        "max_tokens": order.max_tokens,
        "temperature": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "stop_token_ids": list(order.stop),
        "return_token_ids": True,
    }


def _encoded(embeddings: Tensor) -> str:
    """Embeddings (s, h) as a file of torch's, in base64."""
    file = io.BytesIO()
    torch.save(embeddings, file)
    return base64.b64encode(file.getvalue()).decode("ascii")
