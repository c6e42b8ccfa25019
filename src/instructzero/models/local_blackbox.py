"""A causal language model of the transformers library as a black box."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import Self

from instructzero.errors import ModelError
from instructzero.models.answering import answer_greedily, can_answer
from instructzero.models.base import join_contents
from instructzero.models.batcher import Batcher
from instructzero.models.capabilities import LOCAL_WEIGHTS
from instructzero.models.decoding import read_at_once
from instructzero.models.huggingface import checked_batch_size, identity_of
from instructzero.models.loglikelihood import Row, answer_row, mean_log_probabilities
from instructzero.models.memory import give_back, is_out_of_memory, rows_that_fit
from instructzero.models.network import Sampling, generate, load_network
from instructzero.models.prefix import prompt_inputs
from instructzero.models.turns import Turns, without_roles
from instructzero.types import Completion, Finish, Message, Request

TEMPLATES = ("auto", "chat", "completion")
_ROWS, _ROWS_OF_SAMPLES = 256, 64
"""The maximum number of requests answered at once, greedily and otherwise."""


class HuggingFaceBlackBox:
    """A black box in this process. It answers concurrent requests in batches, in a separate thread.

    At a temperature above 0 an answer is a sample that depends on the request alone.

    A request with ``answers`` generates nothing. The completion's text is the likelihood of the likeliest of them: the
    exponential of the mean log-probability of its tokens, a number in [0, 1]. The tokens of all answers are counted as
    the completion's.

    Parameters
    ----------
    name, device, dtype, revision, trust_remote_code
        As in `HuggingFaceModel`.
    template
        ``chat`` uses the model's chat template, ``completion`` the contents alone, ``auto`` chat if there is one.
    batch_size
        The maximum number of requests answered at once, if the memory suffices; None is 256 for greedy answers, and 64
        for samples and likelihoods.

    Raises
    ------
    ModelError
        If the model does not load, or a parameter is impossible.
    """

    capabilities = LOCAL_WEIGHTS

    def __init__(
        self,
        name: str,
        *,
        template: str = "auto",
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        trust_remote_code: bool = False,
        batch_size: int | None = None,
    ) -> None:
        if template not in TEMPLATES:
            raise ModelError(f"expected one of the templates {', '.join(TEMPLATES)}, got {template!r}; choose one")
        self._network = load_network(
            name, device=device, dtype=dtype, revision=revision, trust_remote_code=trust_remote_code
        )
        self._chat = template == "chat" or (template == "auto" and self._network.has_chat_template)
        self._date: str | None = None
        self._batch_size = _ROWS_OF_SAMPLES if batch_size is None else checked_batch_size(batch_size)
        self._greedy_size = _ROWS if batch_size is None else batch_size
        self._stop = Event()
        self._batcher = Batcher(self._answer, self._group, self._greedy_size)
        # The last digits of a number depend on the rest of its batch. On a CPU, where runs repeat to the last bit, a
        # request has a batch of its own.
        at_once = 1 if self._network.device.type == "cpu" else self._batch_size
        self._likelihoods = Batcher(self._score, _by_length, at_once)

    @property
    def identity(self) -> Mapping[str, str]:
        """What `identity_of` returns, the template, and the date in the prompts if `on_date` gave it one."""
        identity = {**identity_of(self._network), "template": "chat" if self._chat else "completion"}
        return identity if self._date is None else {**identity, "date": self._date}

    @property
    def context(self) -> int | None:
        """The number of positions of a prompt and its answer, None if unbounded."""
        return self._network.context

    @property
    def prints_date(self) -> bool:
        """True if the chat template is used and prints the date."""
        return self._chat and self._network.prints_date

    @property
    def date(self) -> str | None:
        """The date that `on_date` gave it."""
        return self._date

    def on_date(self, date: str) -> Self:
        """Return the black box with ``date`` in its chat template; see `Dated.on_date`."""
        dated = copy.copy(self)
        dated._date = date
        return dated

    @property
    def concurrency(self) -> int:
        """Four times the batch size of samples, so that a batch can hold prompts with a common prefix."""
        return 4 * self._batch_size

    async def complete(self, request: Request) -> Completion:
        """Answer ``request`` in a batch; see `BlackBox.complete`."""
        text, special_tokens = self._render(request.messages)
        if request.answers:
            rows = [
                answer_row(self._network, text, answer, special_tokens=special_tokens) for answer in request.answers
            ]
            return await self._likelihoods.submit(tuple(rows))
        ids = self._network.encode(text, special_tokens=special_tokens)
        budget = self._network.budget(len(ids), request.max_tokens)
        return await self._batcher.submit(_Prompt(tuple(ids), budget, request.temperature, request.seed))

    async def close(self) -> None:
        """Stop the running batches and free the threads."""
        self._stop.set()
        self._batcher.close()
        self._likelihoods.close()

    def _render(self, messages: Sequence[Message]) -> tuple[str, bool]:
        """Return the prompt's text, and True if the tokenizer has to add its special tokens to it."""
        if self._chat:
            return self._in_template(self._turns.fitted(messages) if len(messages) > 1 else messages), False
        return join_contents(messages), True

    def _in_template(self, messages: Sequence[Message]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        return self._network.render_chat(turns, self._date)

    @cached_property
    def _turns(self) -> Turns:
        return Turns.of(self._in_template)

    def remarks_on(self, messages: Sequence[Message]) -> list[str]:
        """Return how ``messages`` are changed for the model's chat template; see `BlackBox`."""
        if len(messages) == 1:
            return []
        return self._turns.remarks(messages, self._network.name) if self._chat else [without_roles(self._network.name)]

    @staticmethod
    def _group(prompt: _Prompt) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Sort prompts by their ids, so that those with a common prefix are neighbours and are read together."""
        return (prompt.temperature, prompt.budget), prompt.ids

    def _answer(self, prompts: Sequence[_Prompt]) -> list[Completion]:
        """Return the completions of prompts that share a budget and a temperature."""
        rows = self._greedily(prompts) if prompts[0].temperature == 0 and self._reads_trees else self._plainly(prompts)
        return [
            Completion(self._network.decode(row), len(prompt.ids), len(row), self._finish(row, prompt.budget))
            for prompt, row in zip(prompts, rows, strict=True)
        ]

    def _finish(self, row: Sequence[int], budget: int) -> Finish:
        ended = len(row) < budget or (len(row) > 0 and row[-1] in self._network.eos)
        return Finish.COMPLETE if ended else Finish.CUT

    @cached_property
    def _reads_trees(self) -> bool:
        return can_answer(self._network)

    def _greedily(self, prompts: Sequence[_Prompt]) -> list[list[int]]:
        """Return the new ids of prompts that share a budget; a batch that does not fit into the memory is split."""
        size = self._fitting(max(len(prompt.ids) for prompt in prompts) + prompts[0].budget)
        rows: list[list[int]] = []
        while len(rows) < len(prompts):
            batch = [prompt.ids for prompt in prompts[len(rows) : len(rows) + size]]
            try:
                rows += answer_greedily(self._network, batch, prompts[0].budget, self._check_open)
                continue
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            if len(batch) == 1:
                raise ModelError(
                    f"expected memory for one answer after {len(batch[0])} tokens by {self._network.name} on "
                    f"{self._network.device}, got less; use a smaller black box, or --dtype bfloat16"
                )
            give_back(self._network.device)  # outside the handler, which keeps the batch alive
            size = math.ceil(len(batch) / 2)
        return rows

    def _fitting(self, positions: int) -> int:
        """Return the number of rows of ``positions`` positions that are answered together."""
        device = self._network.device
        fitting = rows_that_fit(self._network.model, device, positions, read_at_once(device))
        return self._greedy_size if fitting is None else min(self._greedy_size, fitting)

    def _check_open(self) -> None:
        if self._stop.is_set():
            raise ModelError(
                f"expected the black box {self._network.name} to stay open until it has answered, got a call of close; "
                "wait for the answers first"
            )

    def _plainly(self, prompts: Sequence[_Prompt]) -> list[list[int]]:
        """Return the new ids by transformers' `generate`, greedily or as samples."""
        batches = [prompts[start : start + self._batch_size] for start in range(0, len(prompts), self._batch_size)]
        return [row for batch in batches for row in self._generated(batch)]

    def _generated(self, prompts: Sequence[_Prompt]) -> list[list[int]]:
        first = prompts[0]
        inputs = prompt_inputs(self._network, [prompt.ids for prompt in prompts])
        sampling = None
        if first.temperature > 0:
            sampling = Sampling(first.temperature, tuple(prompt.sample_seed for prompt in prompts))
        return generate(self._network, inputs, first.budget, sampling=sampling, stop=self._stop)

    def _score(self, requests: Sequence[tuple[Row, ...]]) -> list[Completion]:
        """Return the best likelihood of the rows of a request, for all requests."""
        rows = [row for request in requests for row in request]
        means: list[float] = []
        for start in range(0, len(rows), self._batch_size):
            means += mean_log_probabilities(self._network, rows[start : start + self._batch_size])
        mean = iter(means)
        return [_likelihood(request, max(next(mean) for _ in request)) for request in requests]


def _by_length(rows: tuple[Row, ...]) -> tuple[None, tuple[int, tuple[int, ...]]]:
    """Let any requests share a batch, sorted by length to save padding."""
    return None, (len(rows[0].prompt), rows[0].prompt)


def _likelihood(rows: Sequence[Row], best: float) -> Completion:
    return Completion.of_likelihood(math.exp(best), len(rows[0].prompt), sum(len(row.answer) for row in rows))


@dataclass(frozen=True, slots=True)
class _Prompt:
    """An encoded request: its token ids, the maximum number of new tokens, temperature, and seed."""

    ids: tuple[int, ...]
    budget: int
    temperature: float
    seed: int | None = None

    @property
    def sample_seed(self) -> int:
        said: tuple[object, ...] = (self.ids, self.budget, self.temperature)
        said = said if self.seed is None else (*said, self.seed)  # so that samples without a seed stay as they were
        digest = hashlib.sha256(repr(said).encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1
