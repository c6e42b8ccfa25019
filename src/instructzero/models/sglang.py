"""The protocol of SGLang: its own ``/generate`` with ``input_embeds``, from version 0.4.

https://docs.sglang.io/basic_usage/sampling_params.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from instructzero.models.service import Reply, Service
from instructzero.models.wire import Order, Written, token_ids


class Sglang:
    """A server started with ``--disable-radix-cache --chunked-prefill-size -1``.

    Its radix cache would confuse embeddings with tokens that it has seen, and its chunked prefill cuts embeddings
    incorrectly. It computes in bfloat16, whatever the precision of the embeddings in a request.
    """

    backend = "sglang"
    default_url = "http://localhost:30000"
    variable = "SGLANG_API_KEY"
    path = "/generate"
    command = "python -m sglang.launch_server --model-path"
    flags = "--disable-radix-cache --chunked-prefill-size -1"
    refusal = "disable_radix_cache"

    def frame(self, order: Order, head: Tensor, tail: Tensor) -> Callable[[Tensor], bytes]:
        """Return a function from soft prompts (t, h) to requests, with the whole prompt as rows of numbers."""
        # As text, embeddings are long, so those around the soft prompts are formatted once.
        before, after, sampling = _rows(head), _rows(tail), json.dumps(_sampling(order))

        def body(soft: Tensor) -> bytes:
            rows = ",".join([*before, *_rows(soft), *after])
            return f'{{"input_embeds":[{rows}],"sampling_params":{sampling}}}'.encode("ascii")

        return body

    def tokens(self, order: Order, ids: Sequence[int]) -> bytes:
        """Return the body of a request that continues tokens."""
        return json.dumps({"input_ids": list(ids), "sampling_params": _sampling(order)}).encode("ascii")

    def read(self, reply: Reply, service: Service) -> Written:
        """Read a reply with status 200; raise `TransientError` if it holds no text."""
        try:
            data = json.loads(reply.body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or not isinstance(data.get("text"), str) or _aborted(data):
            raise service.unreadable(reply.headers)
        return Written(data["text"], token_ids(data.get("output_ids")))


def _sampling(order: Order) -> dict[str, Any]:
    """Return greedy sampling, without the penalties that a checkpoint's generation settings may set."""
    return {
        "max_new_tokens": order.max_tokens,
        "temperature": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "stop_token_ids": list(order.stop),
    }


def _rows(embeddings: Tensor) -> list[str]:
    """Return embeddings (s, h) as JSON texts, one per row.

    Nine digits restore a float32 exactly. All numbers have an exponent, because the server recognises a single prompt
    by its floats.
    """
    form = f"[{','.join(['%.8e'] * embeddings.shape[1])}]"
    return [form % tuple(row) for row in embeddings.tolist()]


def _aborted(data: dict[str, Any]) -> bool:
    """Return True if the server stopped in the middle of the text."""
    information = data.get("meta_info")
    reason = information.get("finish_reason") if isinstance(information, dict) else None
    return isinstance(reason, dict) and reason.get("type") == "abort"
