"""A causal language model of the transformers library, as a writer and as a black box.

Notation: n soft prompts, t soft tokens, h hidden size, s sequence length, V vocabulary size.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

import torch
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models.base import check_soft_prompts, join_contents
from instructzero.models.batcher import Batcher
from instructzero.models.capabilities import LOCAL_WEIGHTS
from instructzero.models.decoding import Prefix, decode, read_at_once, read_prefix
from instructzero.models.loglikelihood import Row, answer_row, mean_log_probabilities
from instructzero.models.memory import give_back, is_out_of_memory, rows_that_fit
from instructzero.models.network import Network, Sampling, generate, load_network
from instructzero.models.prefix import prompt_inputs
from instructzero.types import Completion, Message, Request

TEMPLATES = ("auto", "chat", "completion")
_MOST_ROWS = {"cuda": 512}
_MOST_ROWS_ELSEWHERE = 32
"""The maximum number of rows decoded at once, by device, if the memory allows it; more rows are hardly faster."""
_ROWS_OF_TABLE = 4096
_WORTH_SHARING = 8  # tokens; reading a shorter prefix separately costs more than it saves


class HuggingFaceModel:
    """A writer: a causal LM that takes soft prompts.

    Parameters
    ----------
    name
        A folder or a hub id.
    device, dtype
        Place and precision of the weights; see `place`.
    revision
        The commit on the hub; None is the newest.
    trust_remote_code
        Run code that comes with the checkpoint.
    batch_size
        The number of texts generated at once; None is what fits into the free memory, up to a maximum for the device.

    Raises
    ------
    ModelError
        If the model does not load, or a parameter is impossible.

    >>> model = HuggingFaceModel("Qwen/Qwen2.5-0.5B-Instruct")              # doctest: +SKIP
    >>> soft = torch.randn(2, 5, model.hidden_size) * 0.02                  # doctest: +SKIP
    >>> model.generate(soft, "", "Say hello.", max_new_tokens=8, special_tokens=True)   # doctest: +SKIP
    """

    capabilities = LOCAL_WEIGHTS

    def __init__(
        self,
        name: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        trust_remote_code: bool = False,
        batch_size: int | None = None,
    ) -> None:
        self._network = load_network(
            name, device=device, dtype=dtype, revision=revision, trust_remote_code=trust_remote_code
        )
        self._batch_size = None if batch_size is None else _checked_batch_size(batch_size)
        self._prefix: Prefix | None = None
        self._embed = _input_embeddings(self._network)
        self._hidden_size = int(self._embed(self._ids([0])).shape[-1])

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, revision and dtype."""
        return _identity(self._network)

    @property
    def hidden_size(self) -> int:
        """The size h of the input embeddings."""
        return self._hidden_size

    @property
    def has_chat_template(self) -> bool:
        """True if the tokenizer has a chat template."""
        return self._network.has_chat_template

    @torch.inference_mode()
    def embedding_statistics(self) -> tuple[float, float]:
        """Return mean and standard deviation over all V * h entries, after the scaling that some models apply."""
        size = self._network.model.config.get_text_config().vocab_size
        total = square = torch.zeros((), dtype=torch.float64)
        for start in range(0, size, _ROWS_OF_TABLE):
            rows = self._embed(self._ids(range(start, min(size, start + _ROWS_OF_TABLE)))).double().cpu()
            total, square = total + rows.sum(), square + rows.square().sum()
        count = size * self._hidden_size
        mean = float(total) / count
        return mean, max(0.0, float(square) / count - mean**2) ** 0.5

    def render_chat(self, content: str) -> str:
        """Return a user turn in the model's chat template; raise `ModelError` if there is none."""
        return self._network.render_chat([{"role": "user", "content": content}])

    @torch.inference_mode()
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
        """Generate one text for each soft prompt; see `SoftPromptModel.generate`.

        Special tokens are added once, in front of ``before``, so that a BOS token stays first. A text ends soon after
        ``until`` returns True for it.
        """
        if soft_prompts is None:
            ids = self._network.encode(before + after, special_tokens=special_tokens)
            return self._continue(self._embed(self._ids(ids))[None], None, max_new_tokens, until)
        check_soft_prompts(soft_prompts, self._hidden_size, self._network.name)
        head = self._embed(self._ids(self._network.encode(before, special_tokens=special_tokens)))
        tail = self._embed(self._ids(self._network.encode(after, special_tokens=False)))
        prefix = self._shared(head)
        texts: list[str] = []
        while len(texts) < len(soft_prompts):
            rows_at_once = self._rows_at_once(len(head) + soft_prompts.shape[1] + len(tail) + max_new_tokens)
            soft = soft_prompts[len(texts) : len(texts) + rows_at_once].to(head)
            rows = _joined(None if prefix else head, soft, tail)
            texts += self._continue(rows, prefix, max_new_tokens, until)
        return texts

    @torch.no_grad()  # not inference_mode, because models that learn from the states need gradients
    def represent(self, soft_prompts: Tensor, before: str, after: str, *, special_tokens: bool) -> Tensor:
        """Return the last layer's state at the last token of each prompt, shape (n, h), float64, on the CPU."""
        check_soft_prompts(soft_prompts, self._hidden_size, self._network.name)
        head = self._embed(self._ids(self._network.encode(before, special_tokens=special_tokens)))
        tail = self._embed(self._ids(self._network.encode(after, special_tokens=False)))
        batches = _split(soft_prompts.to(head), self._batch_size or _MOST_ROWS_ELSEWHERE)
        states = [self._last_state(_joined(head, soft, tail)) for soft in batches]
        return torch.cat(states) if states else torch.empty(0, self._hidden_size, dtype=torch.float64)

    def _last_state(self, embeddings: Tensor) -> Tensor:
        """Return the input of the language-model head after embeddings (n, s, h): the normed final state, (n, h)."""
        self._network.budget(embeddings.shape[1], 1)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
        output = self._network.model.base_model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False)
        states = getattr(output, "last_hidden_state", None)
        if states is None:
            raise ModelError(
                f"expected a writer that shows its last hidden state, got {self._network.name}, which does not; choose "
                "another writer, or a method that needs no representations"
            )
        state: Tensor = states[:, -1]
        return state.double().cpu()

    def _shared(self, head: Tensor) -> Prefix | None:
        """Return keys and values of a prefix (p, h) that all rows share; the last one is kept."""
        if len(head) < _WORTH_SHARING:
            return None
        if self._prefix is None or not torch.equal(self._prefix.embeddings, head):
            self._prefix = read_prefix(self._network, head)
        return self._prefix

    def _continue(
        self, embeddings: Tensor, prefix: Prefix | None, max_new_tokens: int, until: Callable[[str], bool] | None
    ) -> list[str]:
        """Return the texts after ``prefix`` and embeddings of shape (n, s, h).

        A batch that does not fit into the memory is split in halves, and so are all later batches.
        """
        length = embeddings.shape[1] + (len(prefix.embeddings) if prefix else 0)
        budget = self._network.budget(length, max_new_tokens)
        try:
            rows = decode(self._network, embeddings, budget, prefix, until)
            return [self._network.decode(row) for row in rows]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if len(embeddings) == 1:
            raise ModelError(
                f"expected memory for one text of {length + budget} tokens by {self._network.name} on "
                f"{self._network.device}, got less; use a smaller writer, --dtype bfloat16, or fewer "
                "--instruction-tokens"
            )
        give_back(self._network.device)  # outside the handler, which keeps the batch alive
        self._batch_size = math.ceil(len(embeddings) / 2)
        halves = _split(embeddings, self._batch_size)
        return [text for half in halves for text in self._continue(half, prefix, max_new_tokens, until)]

    def _rows_at_once(self, positions: int) -> int:
        """Return the number of rows of ``positions`` positions that are decoded together."""
        if self._batch_size is not None:
            return self._batch_size
        device = self._network.device
        most = _MOST_ROWS.get(device.type, _MOST_ROWS_ELSEWHERE)
        fitting = rows_that_fit(self._network.model, device, positions, read_at_once(device))
        return most if fitting is None else min(most, fitting)

    def _ids(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor(list(ids), dtype=torch.long, device=self._network.device)


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
        The maximum number of requests answered at once.

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
        batch_size: int = 64,
    ) -> None:
        if template not in TEMPLATES:
            raise ModelError(f"expected one of the templates {', '.join(TEMPLATES)}, got {template!r}; choose one")
        self._network = load_network(
            name, device=device, dtype=dtype, revision=revision, trust_remote_code=trust_remote_code
        )
        self._chat = template == "chat" or (template == "auto" and self._network.has_chat_template)
        self._batch_size = _checked_batch_size(batch_size)
        self._stop = Event()
        self._batcher = Batcher(self._answer, self._group, self._batch_size)
        # The last digits of a number depend on the rest of its batch. On a CPU, where runs repeat to the last bit, a
        # request has a batch of its own.
        at_once = 1 if self._network.device.type == "cpu" else self._batch_size
        self._likelihoods = Batcher(self._score, _by_length, at_once)

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, revision, dtype and template."""
        return {**_identity(self._network), "template": "chat" if self._chat else "completion"}

    @property
    def concurrency(self) -> int:
        """Four times the batch size, so that a batch can hold prompts with a common prefix."""
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
            turns = [{"role": message.role, "content": message.content} for message in messages]
            return self._network.render_chat(turns), False
        return join_contents(messages), True

    @staticmethod
    def _group(prompt: _Prompt) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Sort prompts by their ids, so that those with a common prefix are neighbours and are read together."""
        return (prompt.temperature, prompt.budget), prompt.ids

    def _answer(self, prompts: Sequence[_Prompt]) -> list[Completion]:
        """Return the completions of prompts that share a budget and a temperature."""
        first = prompts[0]
        inputs = prompt_inputs(self._network, [prompt.ids for prompt in prompts])
        sampling = None
        if first.temperature > 0:
            sampling = Sampling(first.temperature, tuple(prompt.sample_seed for prompt in prompts))
        rows = generate(self._network, inputs, first.budget, sampling=sampling, stop=self._stop)
        return [
            Completion(self._network.decode(row), len(prompt.ids), len(row))
            for prompt, row in zip(prompts, rows, strict=True)
        ]

    def _score(self, requests: Sequence[tuple[Row, ...]]) -> list[Completion]:
        """Return the best likelihood of the rows of a request, for all requests."""
        rows = [row for request in requests for row in request]
        means: list[float] = []
        for start in range(0, len(rows), self._batch_size):
            means += mean_log_probabilities(self._network, rows[start : start + self._batch_size])
        mean = iter(means)
        return [_likelihood(request, max(next(mean) for _ in request)) for request in requests]


def _split(rows: Tensor, size: int) -> list[Tensor]:
    """Split the rows into parts of ``size`` rows."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _joined(head: Tensor | None, soft: Tensor, tail: Tensor) -> Tensor:
    """Return the model's input (n, s, h): the embeddings before the soft prompts (n, t, h), these, and those after."""
    parts = [] if head is None else [head.expand(len(soft), -1, -1)]
    return torch.cat([*parts, soft, tail.expand(len(soft), -1, -1)], dim=1)


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


def _identity(network: Network) -> dict[str, str]:
    return {
        "backend": "huggingface",
        "model": network.name,
        "revision": network.revision,
        "dtype": network.dtype,
    }


def _input_embeddings(network: Network) -> torch.nn.Module:
    """Return the module that embeds ids (s,) as (s, h); its weight alone may lack a scale."""
    try:
        embed = network.model.get_input_embeddings()
    except NotImplementedError:
        embed = None
    if embed is None:
        raise ModelError(
            f"expected a writer with open input embeddings, got {network.name} without; choose another writer"
        )
    return embed  # type: ignore[no-any-return]


def _checked_batch_size(batch_size: int) -> int:
    if batch_size < 1:
        raise ModelError(f"expected a batch size of at least 1, got {batch_size}; use a larger one")
    return batch_size
