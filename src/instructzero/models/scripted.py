"""Models without weights that always give the same answer: for tests, and for a first look at a run.

Notation: n soft prompts, t soft tokens, h hidden size, k phrases.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from instructzero.errors import EndpointError, ModelError
from instructzero.models.base import join_contents
from instructzero.models.capabilities import SCRIPTED
from instructzero.types import Completion, Request

if TYPE_CHECKING:
    from torch import Tensor

Script = Mapping[str, str] | Callable[[str], str]

PHRASES = (
    "write the word in upper case",
    "write the word in capital letters",
    "reverse the word",
    "spell the word backwards",
    "write the first letter of the word",
    "count the letters of the word",
    "repeat the word",
    "do something with the word",
)
_SKILLS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"upper case|uppercase|capital", str.upper),
    (r"reverse|backwards", lambda text: text[::-1]),
    (r"first letter", lambda text: text[:1]),
    (r"count", lambda text: str(len(text))),
    (r"repeat|same", str),
)


def echo(prompt: str) -> str:
    """Return the last input of the prompt, or its last line."""
    return _last_input(prompt)


def obey(prompt: str) -> str:
    """Follow the instruction if it is one of a few simple ones, or else return ""."""
    instruction = prompt.rpartition("Input:")[0] or prompt
    skill = next((skill for pattern, skill in _SKILLS if re.search(pattern, instruction, re.IGNORECASE)), None)
    return skill(_last_input(prompt)) if skill else ""


SCRIPTS: Mapping[str, Callable[[str], str]] = {"echo": echo, "obey": obey}


def _last_input(prompt: str) -> str:
    text = prompt.rpartition("Input:")[2].partition("Output:")[0].strip()
    return text.splitlines()[-1] if text else ""


class ScriptedBlackBox:
    """Answers from a mapping or a function of the prompt's text, and counts the prompts in ``calls``.

    Parameters
    ----------
    script
        The answers. A prompt that is not in a mapping is answered with "".
    name
        The model's name in the identity.
    concurrency
        The number of requests in flight that suits it.
    delay
        Seconds before an answer.
    fail_after
        The number of answers after which every call raises `EndpointError`, like a service that breaks down.

    >>> import asyncio
    >>> from instructzero.types import Message
    >>> box = ScriptedBlackBox({"ping": "pong"})
    >>> asyncio.run(box.complete(Request((Message("user", "ping"),)))).text
    'pong'
    >>> box.calls["ping"]
    1
    """

    capabilities = SCRIPTED

    def __init__(
        self,
        script: Script,
        *,
        name: str = "scripted",
        concurrency: int = 8,
        delay: float = 0.0,
        fail_after: int | None = None,
    ) -> None:
        self._script = script
        self._name = name
        self._concurrency = concurrency
        self._delay = delay
        self._fail_after = fail_after
        self._in_flight = 0
        self.most_in_flight = 0
        self.calls: Counter[str] = Counter()

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend and model."""
        return {"backend": "scripted", "model": self._name}

    @property
    def concurrency(self) -> int:
        """The number of requests in flight that suits it."""
        return self._concurrency

    async def complete(self, request: Request) -> Completion:
        """Return the scripted answer; tokens are counted as words."""
        prompt = join_contents(request.messages)
        if self._fail_after is not None and self.calls.total() >= self._fail_after:
            raise EndpointError(f"the scripted black box broke down after {self._fail_after} answers; resume later")
        self.calls[prompt] += 1
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await asyncio.sleep(self._delay)
        finally:
            self._in_flight -= 1
        text = self._script(prompt) if callable(self._script) else self._script.get(prompt, "")
        return Completion(text, len(prompt.split()), len(text.split()))

    async def close(self) -> None:
        """Do nothing: there is nothing to free."""


class ScriptedWriter:
    """Writes one of k phrases: the one whose random direction is nearest to the soft prompt's mean token.

    Similar soft prompts give the same text, as with a language model. Raises `ModelError` without phrases, or with a
    hidden size below 1.
    """

    capabilities = SCRIPTED
    has_chat_template = False

    def __init__(self, phrases: Sequence[str] = PHRASES, *, hidden_size: int = 8) -> None:
        if not phrases or hidden_size < 1:
            raise ModelError(
                f"expected at least one phrase and a hidden size of at least 1, got {len(phrases)} and "
                f"{hidden_size}; give more"
            )
        self._phrases = tuple(phrases)
        self.hidden_size = hidden_size

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, and a digest of the phrases."""
        digest = hashlib.sha256("\0".join(self._phrases).encode()).hexdigest()[:16]
        return {"backend": "scripted", "model": "writer", "revision": digest}

    def embedding_statistics(self) -> tuple[float, float]:
        """Return mean 0 and standard deviation 1."""
        return 0.0, 1.0

    def render_chat(self, content: str) -> str:
        """Raise `ModelError`: there is no chat template."""
        raise ModelError("expected a writer with a chat template, got the scripted one; use the template completion")

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
        """Return texts for soft prompts (n, t, h), cut to ``max_new_tokens`` words; the last phrase for None."""
        if soft_prompts is None:
            return [self._cut(self._phrases[-1], max_new_tokens)]
        import torch

        states = self.represent(soft_prompts, before, after, special_tokens=special_tokens)
        directions = torch.randn(
            len(self._phrases),
            self.hidden_size,
            dtype=torch.float64,
            generator=torch.Generator().manual_seed(0),
        )
        nearness = states @ directions.T  # (n, k)
        return [self._cut(self._phrases[index], max_new_tokens) for index in nearness.argmax(dim=1).tolist()]

    def represent(self, soft_prompts: Tensor, before: str, after: str, *, special_tokens: bool) -> Tensor:
        """Return the mean token of each soft prompt, (n, h)."""
        if soft_prompts.ndim != 3 or soft_prompts.shape[-1] != self.hidden_size:
            raise ModelError(
                f"expected soft prompts of shape (n, t, {self.hidden_size}), got "
                f"{tuple(soft_prompts.shape)}; project to the writer's hidden size"
            )
        return soft_prompts.double().mean(dim=1).cpu()

    @staticmethod
    def _cut(text: str, max_new_tokens: int) -> str:
        return " ".join(text.split()[:max_new_tokens])
