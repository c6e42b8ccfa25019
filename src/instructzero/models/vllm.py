"""The protocol of vLLM: OpenAI's completions with ``prompt_embeds``, from version 0.9.

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
    """A server started with ``vllm serve MODEL --enable-prompt-embeds``."""

    backend = "vllm"
    default_url = "http://localhost:8000"
    variable = "VLLM_API_KEY"
    path = "/v1/completions"
    command = "vllm serve"
    flags = "--enable-prompt-embeds"
    refusal = "enable-prompt-embeds"

    def frame(self, order: Order, head: Tensor, tail: Tensor) -> Callable[[Tensor], bytes]:
        """Return a function from soft prompts (t, h) to requests, with the whole prompt as one tensor."""
        common = _common(order)

        def body(soft: Tensor) -> bytes:
            return json.dumps({**common, "prompt_embeds": _encoded(torch.cat([head, soft, tail]))}).encode("ascii")

        return body

    def tokens(self, order: Order, ids: Sequence[int]) -> bytes:
        """Return the body of a request that continues tokens."""
        return json.dumps({**_common(order), "prompt": list(ids)}).encode("ascii")

    def read(self, reply: Reply, service: Service) -> Written:
        """Read a reply with status 200; raise `TransientError` if it holds no text."""
        text = read_answer(reply, service).text
        return Written(text, token_ids(json.loads(reply.body)["choices"][0].get("token_ids")))


def _common(order: Order) -> dict[str, Any]:
    # Greedy, without the penalties that a checkpoint's generation settings may set. ``prompt`` is left out, because the
    # server would continue it as a second prompt. Servers before 0.10.2 do not know ``return_token_ids``.
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
    """Return embeddings (s, h) in torch's file format, in base64."""
    file = io.BytesIO()
    torch.save(embeddings, file)
    return base64.b64encode(file.getvalue()).decode("ascii")
