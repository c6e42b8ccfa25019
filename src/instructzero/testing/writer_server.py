"""A local model on 127.0.0.1 behind the interfaces of vLLM and SGLang that take embeddings as prompts."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import torch
from aiohttp import web
from torch import Tensor

from instructzero.models.network import Network, generate, load_network
from instructzero.testing.faults import Fault, Faults
from instructzero.testing.loopback import Loopback

_MAX_BYTES = 2**28
_BROKEN = {
    Fault.EMPTY: ("", "application/json"),
    Fault.HTML: ("<html><body>Please log in.</body></html>", "text/html"),
    Fault.WRONG_TYPES: ('{"choices":{"0":"text"},"text":7}', "application/json"),
}
_MISSING_FLAG = {
    "/v1/completions": "You must set `--enable-prompt-embeds` to input `prompt_embeds`.",
    "/generate": "input_embeds is provided while disable_radix_cache is False. Please add `--disable-radix-cache` when "
    "you launch the server if you want to use input_embeds as inputs.",
}


class WriterServer(Loopback):
    """Serves a model with the interfaces of both servers, greedily and in float32.

    Parameters
    ----------
    folder
        Folder of the model.
    name
        Id in the list of models; the default is the folder.
    context
        Maximum length of a text in tokens; the default is the model's.
    takes_embeddings
        If False, embeddings are refused, as by a server without the required flags.
    key
        If not empty, requests without this key are refused.
    scale
        Factor of embeddings, for models that scale them.
    latency
        Seconds before every answer.
    faults
        The faults and their rates.

    Attributes
    ----------
    bodies
        The requests in their order.
    failed
        Simulated faults.
    in_flight, most_in_flight
        Current requests, and their maximum.

    >>> import urllib.request
    >>> from instructzero.models.packed import embedded_folder
    >>> with WriterServer(str(embedded_folder() / "writer"), name="tiny") as server:
    ...     json.load(urllib.request.urlopen(f"{server.url}/v1/models"))["data"][0]["id"]
    'tiny'
    """

    def __init__(
        self,
        folder: str,
        *,
        name: str | None = None,
        context: int | None = None,
        takes_embeddings: bool = True,
        key: str = "",
        scale: float = 1.0,
        latency: float = 0.0,
        faults: Faults | None = None,
    ) -> None:
        super().__init__("instructzero-writer-server")
        self._network: Network = load_network(folder, device="cpu", dtype="float32")
        self.name = name or folder
        self._context = context or self._network.context
        self._takes_embeddings = takes_embeddings
        self._key = key
        self._scale = scale
        self._latency = latency
        self._faults = faults or Faults()
        self._attempts: Counter[bytes] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.failed: Counter[Fault] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self._one_at_a_time = threading.Lock()

    @property
    def url(self) -> str:
        """The address of the server."""
        return self.root

    async def _serve(self) -> None:
        app = web.Application(client_max_size=_MAX_BYTES)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/completions", self._counted(self._completion))
        app.router.add_post("/generate", self._counted(self._generation))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._listening(runner.addresses[0][1])
        await self._stop.wait()
        await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        if self._is_unauthorized(request):
            return web.json_response({"error": "Unauthorized"}, status=401)
        card = {"id": self.name, "object": "model", "root": self.name, "max_model_len": self._context}
        return web.json_response({"object": "list", "data": [card]})

    def _counted(
        self, answer: Callable[[dict[str, Any]], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the handler of requests for ``answer``, with counts, faults and the check of the key."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            try:
                content = await request.read()
                self._attempts[content] += 1
                body = json.loads(content)
                self.bodies.append(body)
                fault = self._faults.of(content.decode(), self._attempts[content]) if self._faults.rates else None
                await asyncio.sleep(self._latency)
                if self._is_unauthorized(request):
                    return web.json_response({"error": "Unauthorized"}, status=401)
                response = await self._answered(request.path, body, answer)
                return response if fault is None else await self._with_fault(fault, request, response)
            finally:
                self.in_flight -= 1

        return handle

    async def _answered(
        self, path: str, body: dict[str, Any], answer: Callable[[dict[str, Any]], Awaitable[web.Response]]
    ) -> web.Response:
        embeds = "prompt_embeds" in body or "input_embeds" in body
        if embeds and not self._takes_embeddings:
            return _refusal(_MISSING_FLAG[path])
        try:
            return await answer(body)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            return _refusal(f"{type(error).__name__}: {error}")

    async def _completion(self, body: dict[str, Any]) -> web.Response:
        """Answer a request for completions of OpenAI's API, as vLLM implements it."""
        if body["model"] != self.name:
            return _refusal(f"The model `{body['model']}` does not exist.", status=404)
        if "prompt_embeds" in body:
            content = base64.b64decode(body["prompt_embeds"], validate=True)
            ids = await self._continue(torch.load(io.BytesIO(content), weights_only=True), body["max_tokens"], body)
        else:
            ids = await self._continue(body["prompt"], body["max_tokens"], body)
        choice = {"index": 0, "text": self._network.decode(ids), "finish_reason": "stop"}
        if body.get("return_token_ids"):
            choice["token_ids"] = ids
        return web.json_response({"object": "text_completion", "model": self.name, "choices": [choice]})

    async def _generation(self, body: dict[str, Any]) -> web.Response:
        """Answer a request of SGLang's own API."""
        sampling = body["sampling_params"]
        prompt = body["input_ids"] if "input_ids" in body else _prompt_of(body["input_embeds"])
        ids = await self._continue(prompt, sampling["max_new_tokens"], sampling)
        information = {"finish_reason": {"type": "stop"}, "completion_tokens": len(ids)}
        return web.json_response({"text": self._network.decode(ids), "output_ids": ids, "meta_info": information})

    async def _continue(self, prompt: Tensor | list[int], limit: int, sampling: dict[str, Any]) -> list[int]:
        """Return the new ids after embeddings (s, h) or ids (s,).

        Raises
        ------
        ValueError
            If the request is not greedy, has other end tokens than the model, or exceeds the context.
        """
        penalties = [sampling[name] for name in ("repetition_penalty", "presence_penalty", "frequency_penalty")]
        if sampling["temperature"] != 0 or penalties != [1, 0, 0]:
            raise ValueError("expected a greedy request that leaves nothing to the checkpoint's settings")
        if set(sampling["stop_token_ids"]) != set(self._network.eos):
            raise ValueError("expected the ids that end the model's texts")
        if self._context is not None and len(prompt) + limit > self._context:
            raise ValueError(f"This model's maximum context length is {self._context} tokens.")
        return await asyncio.to_thread(self._generated, self._inputs(prompt), limit)

    def _inputs(self, prompt: Tensor | list[int]) -> dict[str, Any]:
        mask = torch.ones(1, len(prompt), dtype=torch.long)
        if isinstance(prompt, list):
            return {"input_ids": torch.tensor([prompt]), "attention_mask": mask}
        size = self._network.model.get_input_embeddings().weight.shape[1]
        if prompt.shape[1:] != (size,):
            raise ValueError(
                f"`prompt_embeds` hidden_size {prompt.shape[1]} does not match the model's hidden_size {size}."
            )
        return {"inputs_embeds": self._scale * prompt.float()[None], "attention_mask": mask}

    def _generated(self, inputs: dict[str, Any], limit: int) -> list[int]:
        with self._one_at_a_time:
            return generate(self._network, inputs, limit)[0]

    def _is_unauthorized(self, request: web.Request) -> bool:
        return bool(self._key) and request.headers.get("Authorization") != f"Bearer {self._key}"

    async def _with_fault(self, fault: Fault, request: web.Request, response: web.Response) -> web.StreamResponse:
        """Return the response as it looks to the client after a fault."""
        self.failed[fault] += 1
        if fault in (Fault.THROTTLED, Fault.THROTTLED_SILENTLY):
            wait = {"Retry-After": f"{self._faults.retry_after:g}"} if fault is Fault.THROTTLED else {}
            return web.json_response({"error": {"message": "too fast"}}, status=429, headers=wait)
        if fault is Fault.SERVER_ERROR:
            return _refusal("out of order", status=500)
        if fault is Fault.CUT_JSON:
            return web.Response(text=(response.text or "")[:20], content_type="application/json")
        if fault in _BROKEN:
            return web.Response(text=_BROKEN[fault][0], content_type=_BROKEN[fault][1])
        if fault in (Fault.RESET_UNREAD, Fault.RESET_MIDWAY) and request.transport is not None:
            request.transport.abort()
        await asyncio.sleep(self._faults.delay)
        return response


def _prompt_of(rows: list[list[float]]) -> Tensor:
    """Return embeddings of shape (s, h); SGLang reads a first number that is no float as a batch of prompts."""
    if not isinstance(rows[0][0], float):
        raise ValueError("expected embeddings whose first number is a float")
    return torch.tensor(rows, dtype=torch.float32)


def _refusal(message: str, *, status: int = 400) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "BadRequestError", "code": status}}, status=status)
