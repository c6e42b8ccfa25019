"""A writer that generates on a server; only its tokenizer and its input embeddings are loaded here.

Notation: n soft prompts, t soft tokens, h hidden size, s sequence length.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models.base import check_soft_prompts
from instructzero.models.capabilities import SERVED_WEIGHTS
from instructzero.models.complaint import Complaint
from instructzero.models.embeddings import InputEmbeddings, load_embeddings
from instructzero.models.event_loop import EventLoop
from instructzero.models.exchange import Exchange, together
from instructzero.models.headers import Headers
from instructzero.models.patience import Patience
from instructzero.models.registry import WriterOptions
from instructzero.models.secrets import SECRETS
from instructzero.models.service import WRITER, Reply, Service, check_service, checked_url, read_key
from instructzero.models.throttle import Throttle
from instructzero.models.usage import count
from instructzero.models.wire import Dialect, Order

SETTING = "writer_url"
"""The setting of the address."""

_ANSWER_S = 600.0  # an entire round of instructions may wait in the server's queue
_PROBES = (4, 3, 2)  # quarters of the prompt that the check of the weights continues
_PROBE_TOKENS = 4  # new tokens in that check


class ServedWriter:
    """A writer whose weights are on a server (vLLM, SGLang) that continues embeddings.

    No request is sent before the first call of `generate`. That call lists the server's models, and has a prompt
    continued both as tokens and as embeddings. If the two differ, the server has other weights than the local
    checkpoint.

    Parameters
    ----------
    dialect
        The server's protocol. The key is read from its environment variable.
    name
        The folder or hub id of the same checkpoint, for its tokenizer and embeddings.
    url
        The server's address; None is its usual port on this machine.
    dtype
        The precision in which embeddings are sent; the server computes in its own. ``auto`` is float32, which is exact.
    revision
        The commit on the hub; None is the newest.
    trust_remote_code
        Run code that comes with the checkpoint.
    concurrency
        The maximum number of requests in flight.
    timeout
        Seconds after which an answer is late; after twice as many, the request is cut.
    retries
        The number of further tries after a failed one.
    api_key_variable
        The environment variable of the key; None is the usual one of the server.
    headers
        Further headers, as lines; see `Headers.of`.
    patience
        Decides about the waits for the server; None waits as long as the server asks.

    Raises
    ------
    ModelError
        If the checkpoint does not load, or a parameter is impossible.

    >>> from instructzero.models.vllm import Vllm
    >>> writer = ServedWriter(Vllm(), "Qwen/Qwen2.5-7B-Instruct", url="http://host:8000")   # doctest: +SKIP
    """

    capabilities = SERVED_WEIGHTS

    def __init__(
        self,
        dialect: Dialect,
        name: str,
        *,
        url: str | None = None,
        dtype: str = "auto",
        revision: str | None = None,
        trust_remote_code: bool = False,
        concurrency: int = 32,
        timeout: float = _ANSWER_S,
        retries: int = 5,
        api_key_variable: str | None = None,
        headers: Sequence[str] = (),
        patience: Patience | None = None,
    ) -> None:
        check_service(concurrency, timeout)
        self._dialect = dialect
        self._name = name
        own = Headers.of(headers)
        variable = api_key_variable or dialect.variable
        key = read_key(variable, required=False, role=WRITER, named=api_key_variable is not None)
        service = Service(url or dialect.default_url, name, variable, key, SETTING, own.secrets, WRITER, timeout)
        self._service = _without_version(service)
        self._exchange = partial(
            Exchange,
            self._service,
            throttle=Throttle(concurrency, timeout=timeout),
            retries=retries,
            headers=own.values,
            patience=patience,
        )
        self._embeddings = load_embeddings(name, dtype=dtype, revision=revision, trust_remote_code=trust_remote_code)
        self._served: _Served | None = None
        self._date: str | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, revision and dtype, without the address: it does not change the texts."""
        return {
            "backend": self._dialect.backend,
            "model": self._embeddings.name,
            "revision": self._embeddings.revision,
            "dtype": str(self._embeddings.dtype).removeprefix("torch."),
        }

    @property
    def hidden_size(self) -> int:
        """The size h of the input embeddings."""
        return self._embeddings.hidden_size

    @property
    def context(self) -> int | None:
        """The number of positions of a prompt and its answer, None if unbounded."""
        return self._embeddings.context

    @property
    def has_chat_template(self) -> bool:
        """True if the tokenizer has a chat template."""
        return self._embeddings.has_chat_template

    @property
    def prints_date(self) -> bool:
        """True if the chat template prints the date."""
        return self._embeddings.prints_date

    @property
    def date(self) -> str | None:
        """The date that `on_date` gave it."""
        return self._date

    def on_date(self, date: str) -> Self:
        """Return the writer with ``date`` in its chat template; see `Dated.on_date`."""
        dated = copy.copy(self)
        dated._date = date
        return dated

    def embedding_statistics(self) -> tuple[float, float]:
        """Return mean and standard deviation over all entries of the input embeddings."""
        return self._embeddings.statistics()

    def render_chat(self, content: str) -> str:
        """Return a user turn in the model's chat template; raise `ModelError` if there is none."""
        return self._embeddings.render_chat([{"role": "user", "content": content}], self._date)

    def represent(self, soft_prompts: Tensor, before: str, after: str, *, special_tokens: bool) -> Tensor:
        """Raise `ModelError`: these servers return texts, not states."""
        raise ModelError(
            f"expected a writer that shows its last layer's state, as the methods instinct, zopo and presto need it, "
            f"got one at {self._service.endpoint}, which returns texts only; use a local writer (hf:{self._name}) or "
            "another method"
        )

    def generate(
        self,
        soft_prompts: Tensor | None,
        before: str,
        after: str,
        *,
        max_new_tokens: int,
        special_tokens: bool,
        until: Callable[[str], bool] | None = None,
    ) -> list[str]:
        """Generate the same texts as a local model; see `SoftPromptModel.generate`.

        Texts are generated to their end; ``until`` is ignored.

        Raises
        ------
        ModelError
            If the server has other weights, serves no model of this name, or refuses embeddings.
        EndpointError
            If the server fails after all retries.
        """
        if soft_prompts is None:
            head = self._embeddings.encode(before + after, special_tokens=special_tokens)
            prompt = _Prompt(head, [], self._embeddings.embed([])[None])
        else:
            check_soft_prompts(soft_prompts, self.hidden_size, self._embeddings.name)
            head = self._embeddings.encode(before, special_tokens=special_tokens)
            tail = self._embeddings.encode(after, special_tokens=False)
            prompt = _Prompt(head, tail, soft_prompts.to("cpu", self._embeddings.dtype))
        self._embeddings.budget(prompt.length, max_new_tokens)  # refuses before anything is sent
        with closing(EventLoop()) as loop:
            return loop.run(self._write(prompt, max_new_tokens))

    async def _write(self, prompt: _Prompt, max_new_tokens: int) -> list[str]:
        exchange = self._exchange()
        try:
            if self._served is None:
                served = await self._find(exchange)
                await self._check_weights(exchange, served, [*prompt.head, *prompt.tail])
                self._served = served
            budget = self._served.limited(self._embeddings).budget(prompt.length, max_new_tokens)
            order = Order(self._served.id, budget, self._embeddings.eos)
            head, tail = self._embeddings.embed(prompt.head), self._embeddings.embed(prompt.tail)
            frame = self._dialect.frame(order, head, tail)
            return await self._texts(exchange, [partial(frame, row) for row in prompt.soft])
        finally:
            await exchange.close()

    async def _texts(self, exchange: Exchange, bodies: Sequence[Callable[[], bytes]]) -> list[str]:
        return await together(exchange.post(self._dialect.path, body, self._read) for body in bodies)

    async def _find(self, exchange: Exchange) -> _Served:
        """Return the served model with the writer's name."""
        listing = await exchange.get("/v1/models", self._read_listing)
        models = _models(listing)
        for model in models:
            if Path(self._embeddings.name).name in model.names:
                return model
        raise ModelError(
            f"expected {self._name} among the models at {self._service.endpoint}, got "
            f"{', '.join(model.id for model in models) or 'none'}; fix {SETTING}, or serve it there: "
            f"{self._dialect.command} {self._name} {self._dialect.flags}"
        )

    async def _check_weights(self, exchange: Exchange, served: _Served, ids: Sequence[int]) -> None:
        """Refuse a server that continues embeddings differently from the tokens that they stand for."""
        if not ids:
            return
        budget = served.limited(self._embeddings).budget(len(ids), _PROBE_TOKENS)
        starts = [ids[: -(-len(ids) * quarters // 4)] for quarters in _PROBES]
        order = Order(served.id, budget, self._embeddings.eos)
        frame = self._dialect.frame(order, *[self._embeddings.embed([])] * 2)
        # Not at the same time, because SGLang confuses them in one batch.
        of_tokens = await self._texts(exchange, [partial(self._dialect.tokens, order, start) for start in starts])
        of_embeddings = await self._texts(exchange, [partial(frame, self._embeddings.embed(start)) for start in starts])
        # Rounding may change one of them, where two tokens are equally likely.
        if sum(map(str.__eq__, of_tokens, of_embeddings)) < len(starts) - 1:
            raise ModelError(
                f"expected the weights of {self._name} at {self._service.endpoint}, got a server that continues their "
                "embeddings differently from their tokens; serve the checkpoint that is loaded here, or use a local "
                f"writer, hf:{self._name}"
            )

    def _read(self, reply: Reply) -> str:
        """Return the text of a reply, decoded here if the reply holds token ids, as for a local model."""
        if reply.status != 200:
            raise self._failure(reply)
        written = self._dialect.read(reply, self._service)
        return written.text if written.ids is None else SECRETS.masked_answer(self._embeddings.decode(written.ids))

    def _read_listing(self, reply: Reply) -> str:
        if reply.status != 200:
            raise self._failure(reply)
        return reply.body.decode("utf-8", "replace")

    def _failure(self, reply: Reply) -> Exception:
        complaint = Complaint.read(reply.body)
        said = self._service.scrub(complaint.message)
        if self._dialect.refusal in complaint.message:
            return ModelError(
                f"expected a server at {self._service.endpoint} that takes embeddings, got one that does not ({said}); "
                f"start it with {self._dialect.flags}"
            )
        if "hidden_size" in complaint.message:
            return ModelError(
                f"expected the weights of {self._name}, of hidden size {self.hidden_size}, at "
                f"{self._service.endpoint}, got others ({said}); serve the checkpoint that is loaded here"
            )
        return self._service.failure(reply.status, reply.headers, complaint)


@dataclass(frozen=True)
class _Prompt:
    """Tokens before and after n soft prompts (n, t, h)."""

    head: list[int]
    tail: list[int]
    soft: Tensor

    @property
    def length(self) -> int:
        return len(self.head) + self.soft.shape[1] + len(self.tail)


@dataclass(frozen=True, slots=True)
class _Served:
    """A model in a server's list: the id for requests, its origin, and the positions that the server allows."""

    id: str
    root: str
    context: int | None

    @property
    def names(self) -> set[str]:
        """The last parts of its id, and of the folder or hub id that it was loaded from."""
        return {Path(self.id).name, Path(self.root).name}

    def limited(self, embeddings: InputEmbeddings) -> InputEmbeddings:
        """Return the embeddings with the shorter of the two contexts, the model's and the server's."""
        contexts = [context for context in (self.context, embeddings.context) if context is not None]
        return replace(embeddings, context=min(contexts, default=None))


def _models(listing: str) -> list[_Served]:
    """Return the models in a list of OpenAI's API; none if it is not such a list."""
    try:
        return [
            _Served(str(card["id"]), str(card.get("root") or card["id"]), count(card.get("max_model_len")) or None)
            for card in json.loads(listing)["data"]
        ]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return []


def _without_version(service: Service) -> Service:
    """Return the service at its address without /v1, in which it may end as for clients of OpenAI's API."""
    endpoint = checked_url(service.endpoint, setting=SETTING)
    if endpoint != service.endpoint.rstrip("/"):
        raise ModelError(
            f"expected {SETTING} without user, password or query, got one with them; a key belongs in the environment "
            f"variable {service.variable}"
        )
    return replace(service, endpoint=endpoint.removesuffix("/v1"))


def load_served_writer(dialect: Dialect, name: str, options: WriterOptions) -> ServedWriter:
    """Load the tokenizer and embeddings of ``name`` for a writer on a server; raise `ModelError` if that fails."""
    return ServedWriter(
        dialect,
        name,
        url=options.url,
        dtype=options.dtype,
        revision=options.revision,
        trust_remote_code=options.trust_remote_code,
        timeout=options.timeout or _ANSWER_S,
        api_key_variable=options.api_key_variable,
        headers=options.headers,
        patience=Patience(options.max_wait, options.on_wait),
    )
