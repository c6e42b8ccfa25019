"""A causal language model of the transformers library as a writer.

Notation: n soft prompts, t soft tokens, h hidden size, s sequence length, V vocabulary size.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import torch
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models.base import check_soft_prompts
from instructzero.models.capabilities import LOCAL_WEIGHTS
from instructzero.models.decoding import Prefix, decode, read_at_once, read_prefix
from instructzero.models.memory import give_back, is_out_of_memory, rows_that_fit
from instructzero.models.network import Network, load_network
from instructzero.models.soft_inputs import soft_inputs
from instructzero.models.stepping import for_rows

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
        A folder or a hub id, of a whole model or of an adapter, or a GGUF file.
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
        self._batch_size = None if batch_size is None else checked_batch_size(batch_size)
        self._prefix: Prefix | None = None
        self._inputs = soft_inputs(self._network)
        self._embed = self._inputs.embed
        self._hidden_size = int(self._embed(self._ids([0])).shape[-1])
        self._date: str | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, revision and dtype; of an adapter, also the base model and its revision."""
        return identity_of(self._network)

    @property
    def hidden_size(self) -> int:
        """The size h of the input embeddings."""
        return self._hidden_size

    @property
    def context(self) -> int | None:
        """The number of positions of a prompt and its answer, None if unbounded."""
        return self._network.context

    @property
    def has_chat_template(self) -> bool:
        """True if the tokenizer has a chat template."""
        return self._network.has_chat_template

    @property
    def prints_date(self) -> bool:
        """True if the chat template prints the date."""
        return self._network.prints_date

    @property
    def date(self) -> str | None:
        """The date that `on_date` gave it."""
        return self._date

    def on_date(self, date: str) -> Self:
        """Return the writer with ``date`` in its chat template; see `Dated.on_date`."""
        dated = copy.copy(self)
        dated._date = date
        return dated

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
        return self._network.render_chat([{"role": "user", "content": content}], self._date)

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
            ids = self._ids(self._network.encode(before + after, special_tokens=special_tokens))
            return self._continue(self._embed(ids)[None], None, max_new_tokens, until, self._inputs.arguments(ids))
        check_soft_prompts(soft_prompts, self._hidden_size, self._network.name)
        head, tail, arguments = self._around(soft_prompts, before, after, special_tokens)
        prefix = None if arguments is not None else self._shared(head)
        texts: list[str] = []
        while len(texts) < len(soft_prompts):
            rows_at_once = self._rows_at_once(len(head) + soft_prompts.shape[1] + len(tail) + max_new_tokens)
            soft = soft_prompts[len(texts) : len(texts) + rows_at_once].to(head)
            rows = _joined(None if prefix else head, soft, tail)
            texts += self._continue(rows, prefix, max_new_tokens, until, arguments)
        return texts

    @torch.no_grad()  # not inference_mode, because models that learn from the states need gradients
    def represent(self, soft_prompts: Tensor, before: str, after: str, *, special_tokens: bool) -> Tensor:
        """Return the last layer's state at the last token of each prompt, shape (n, h), float64, on the CPU."""
        check_soft_prompts(soft_prompts, self._hidden_size, self._network.name)
        head, tail, arguments = self._around(soft_prompts, before, after, special_tokens)
        batches = _split(soft_prompts.to(head), self._batch_size or _MOST_ROWS_ELSEWHERE)
        states = [self._last_state(_joined(head, soft, tail), arguments or {}) for soft in batches]
        return torch.cat(states) if states else torch.empty(0, self._hidden_size, dtype=torch.float64)

    def _around(
        self, soft_prompts: Tensor, before: str, after: str, special_tokens: bool
    ) -> tuple[Tensor, Tensor, dict[str, Tensor] | None]:
        """Return the embeddings before the soft prompts (p, h) and after them (s, h), and `SoftInputs.arguments`."""
        head = self._ids(self._network.encode(before, special_tokens=special_tokens))
        tail = self._ids(self._network.encode(after, special_tokens=False))
        soft = head.new_full((soft_prompts.shape[1],), self._network.pad)
        return self._embed(head), self._embed(tail), self._inputs.arguments(torch.cat([head, soft, tail]))

    def _last_state(self, embeddings: Tensor, arguments: Mapping[str, Tensor]) -> Tensor:
        """Return the input of the language-model head after embeddings (n, s, h): the normed final state, (n, h)."""
        self._network.budget(embeddings.shape[1], 1)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
        output = self._network.model.base_model(
            inputs_embeds=embeddings, attention_mask=mask, use_cache=False, **for_rows(arguments, len(embeddings))
        )
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
        self,
        embeddings: Tensor,
        prefix: Prefix | None,
        max_new_tokens: int,
        until: Callable[[str], bool] | None,
        arguments: Mapping[str, Tensor] | None,
    ) -> list[str]:
        """Return the texts after ``prefix`` and embeddings of shape (n, s, h), with `SoftInputs.arguments`.

        A batch that does not fit into the memory is split in halves, and so are all later batches.
        """
        length = embeddings.shape[1] + (len(prefix.embeddings) if prefix else 0)
        budget = self._network.budget(length, max_new_tokens)
        try:
            rows = decode(self._network, embeddings, budget, prefix, until, arguments)
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
        return [text for half in halves for text in self._continue(half, prefix, max_new_tokens, until, arguments)]

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


def _split(rows: Tensor, size: int) -> list[Tensor]:
    """Split the rows into parts of ``size`` rows."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _joined(head: Tensor | None, soft: Tensor, tail: Tensor) -> Tensor:
    """Return the model's input (n, s, h): the embeddings before the soft prompts (n, t, h), these, and those after."""
    parts = [] if head is None else [head.expand(len(soft), -1, -1)]
    return torch.cat([*parts, soft, tail.expand(len(soft), -1, -1)], dim=1)


def identity_of(network: Network) -> dict[str, str]:
    """Return what tells one local model from another: backend, model, revision and dtype, and an adapter's base."""
    identity = {
        "backend": "huggingface",
        "model": network.name,
        "revision": network.revision,
        "dtype": network.dtype,
    }
    if network.base is None or network.base_revision is None:
        return identity
    return {**identity, "base": network.base, "base_revision": network.base_revision}


def checked_batch_size(batch_size: int) -> int:
    """Return the batch size; raise `ModelError` if it is not positive."""
    if batch_size < 1:
        raise ModelError(f"expected a batch size of at least 1, got {batch_size}; use a larger one")
    return batch_size
