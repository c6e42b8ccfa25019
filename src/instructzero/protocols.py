"""The interfaces of the models, whichever library or service stands behind them.

There are two roles. The *writer* takes soft prompts (open weights). The *black box* takes messages (text in, text out).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from instructzero.types import Completion, Request

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do and what a call costs.

    A backend declares them for all its models, so that they are known before a model is loaded. A model declares them
    in an attribute ``capabilities``. The defaults are those of a paid service, and hold for an object without one.

    Parameters
    ----------
    local
        The model runs on this machine.
    free
        A call costs no money.
    likelihoods
        As a black box, the model answers requests with ``answers`` by a likelihood.
    temperature
        As a black box, the model uses the temperature of a request. A model that does not samples as it likes.
    soft_prompts
        As a writer, the model generates from soft prompts.
    states
        As a writer, the model implements ``represent``.
    grace_s
        Seconds that an interrupted run waits for answers in flight, so that no paid answer is lost.
    timeout_s
        As a black box that is not local, seconds after which an answer is late, which says that its server is busy.
    batched
        As a black box, the model answers the requests of a round together, after minutes or hours, and a request that
        was cancelled is answered all the same: the same request gets that answer later.
    """

    local: bool = False
    free: bool = False
    likelihoods: bool = False
    temperature: bool = True
    soft_prompts: bool = False
    states: bool = False
    grace_s: float = 5.0
    timeout_s: float = 60.0
    batched: bool = False


def capabilities_of(model: object) -> Capabilities:
    """Return the capabilities that a model declares, or those of a paid service if it declares none.

    >>> capabilities_of(object()).free
    False
    """
    declared: Capabilities = getattr(model, "capabilities", Capabilities())
    return declared


class Dated(Protocol):
    """A black box or a writer whose chat template may print the date. Other models need not have these attributes."""

    @property
    def prints_date(self) -> bool:
        """True if the rendered prompts contain the date."""
        ...

    @property
    def date(self) -> str | None:
        """The date in the prompts; None is that of the day on which they are rendered."""
        ...

    def on_date(self, date: str) -> Self:
        """Return the same model with ``date``, such as ``2026-03-09``, in its prompts; the weights are shared.

        The date is a part of a black box's identity, because it changes the questions.
        """
        ...


class Learning(Protocol):
    """A black box that learns what its service takes from what it refuses. Others need not have this method."""

    def on_learned(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` when a parameter is left out, or gets another name, for all later requests.

        Its argument is a clause without subject and full stop, such as "refuses the temperature (status 400: only 1 is
        allowed): it is left out, so answers are sampled by the service's default". It is called once a parameter, in
        the event loop of the requests, or at once for what is known already.
        """
        ...


def listen(model: object, listener: Callable[[str], None]) -> None:
    """Call ``listener`` for what a model learns, if it is `Learning`."""
    on_learned: Callable[[Callable[[str], None]], None] | None = getattr(model, "on_learned", None)
    if on_learned is not None:
        on_learned(listener)


class BlackBox(Protocol):
    """A model that is paid by the call.

    A black box may also have an attribute ``capabilities`` of type `Capabilities`; without it, it counts as a remote
    model that is paid. It may be `Dated` and `Learning`. It may have a method ``remarks_on(messages)`` that returns,
    one sentence each, how it changes the messages of a prompt before the model reads them.
    """

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that determines an answer besides the request: backend, model, endpoint, template.

        It is part of the call store's key and holds no secret.
        """
        ...

    @property
    def concurrency(self) -> int:
        """The number of requests in flight that suits the model, at least 1."""
        ...

    async def complete(self, request: Request) -> Completion:
        """Try once to answer ``request``.

        It may be called any number of times concurrently, always from one event loop. It never invents an answer; an
        answer without text is a `Completion` with the text "".

        Raises
        ------
        ModelError
            If the user has to fix something, such as an unknown model or a wrong key.
        TransientError
            If another try may succeed.
        EndpointError
            If the service is gone for good.
        """
        ...

    async def close(self) -> None:
        """Free connections and threads; the object is not used afterwards."""
        ...


class SoftPromptModel(Protocol):
    """A causal LM with open weights that takes embeddings as input.

    Notation: n soft prompts, t soft tokens, h hidden size. An impossible shape, or a prompt longer than the model's
    context, raises `ModelError`. A writer may also have an attribute ``capabilities`` of type `Capabilities`. It may be
    `Dated`.
    """

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that determines a text besides the prompt: backend, model, revision, dtype."""
        ...

    @property
    def hidden_size(self) -> int:
        """The hidden size h."""
        ...

    @property
    def has_chat_template(self) -> bool:
        """True if `render_chat` works."""
        ...

    def embedding_statistics(self) -> tuple[float, float]:
        """Return mean and standard deviation over all entries of the input embeddings."""
        ...

    def render_chat(self, content: str) -> str:
        """Return a user turn in the model's chat template, ready for the assistant's answer."""
        ...

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
        """Generate one text greedily for each soft prompt.

        The model reads [before; soft prompt; after]. In float32 a text does not depend on the rest of the batch.

        Parameters
        ----------
        soft_prompts
            Shape (n, t, h). None leaves the soft prompt out and generates one text.
        before, after
            The text in front of the soft prompt and the text behind it.
        max_new_tokens
            The maximum number of tokens in a text.
        special_tokens
            Let the tokenizer add its own tokens (a BOS token) when it encodes the texts. Plain text needs them; a
            rendered chat template already has them.
        until
            Receives the beginning of a text. If it returns True, the rest of the text is not needed and may be left
            out.
        """
        ...

    def represent(self, soft_prompts: Tensor, before: str, after: str, *, special_tokens: bool) -> Tensor:
        """Return the last layer's state at the last token of each prompt, from which the next token is predicted.

        Shape (n, h), float64, on the CPU. In float32 the rest of the batch changes a row by rounding only.
        """
        ...
