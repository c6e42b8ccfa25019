"""What a model must offer, whichever library or service stands behind it.

Two roles: the *writer* takes soft prompts (open weights), the *black box* takes messages (text in, text out).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from instructzero.types import Completion, Request

if TYPE_CHECKING:
    from torch import Tensor


class BlackBox(Protocol):
    """A model that is paid by the call.

    ``identity`` says everything that, besides the request, determines an answer (backend, model, endpoint,
    template); it is a part of the call store's key and holds no secret. ``concurrency`` is how many requests
    it likes to have in flight. ``complete`` is one try: it raises `ModelError` for what the user must mend
    (unknown model, wrong key), `TransientError` for what may pass by itself, and `EndpointError` when the service
    is gone for good; it never invents an answer. An answer that arrived but holds no text is a `Completion` with
    the text "". ``complete`` may be called any number of times at once, always from one event loop. ``close`` frees
    connections and threads; the object is not used after it.
    """

    @property
    def identity(self) -> Mapping[str, str]: ...

    @property
    def concurrency(self) -> int: ...

    async def complete(self, request: Request) -> Completion: ...

    async def close(self) -> None: ...


class SoftPromptModel(Protocol):
    """An open-weights causal LM that can be fed embeddings.

    ``generate`` writes one text for each of n soft prompts of shape (n, t, h): the model sees
    [before; soft prompt; after] and continues greedily. ``soft_prompts=None`` leaves the soft prompt out and
    writes one text. In float32 a text does not depend on what else is in the batch. An impossible shape or a
    prompt longer than the model's context raises `ModelError`.
    ``represent`` says what the model makes of the same prompts before it writes.
    ``render_chat`` puts a user turn into the model's chat template, ready for the assistant's answer.
    """

    @property
    def identity(self) -> Mapping[str, str]: ...

    @property
    def hidden_size(self) -> int: ...

    @property
    def has_chat_template(self) -> bool: ...

    def embedding_statistics(self) -> tuple[float, float]:
        """Mean and standard deviation over all entries of the input embeddings."""
        ...

    def render_chat(self, content: str) -> str: ...

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
        """``special_tokens``: whether the tokenizer adds its own (a BOS token) when it encodes the texts, as
        it should for plain text and must not for a rendered chat template. ``until`` says of the beginning of a text
        that the rest is of no use: it may be left out, and none has to be."""
        ...

    def represent(self, soft_prompts: Tensor, before: str, after: str, *, special_tokens: bool) -> Tensor:
        """The last layer's state at the last token of each prompt, which the next token is predicted from.

        Shape (n, h), float64, on the CPU. In float32 a row depends on what else is in the batch by rounding only.
        """
        ...
