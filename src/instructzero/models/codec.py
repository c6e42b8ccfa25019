"""Convert between text and a model's token ids, with its tokenizer, chat template and context length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from instructzero.errors import ModelError

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Codec:
    """The operations that need a model's tokenizer alone; a base class.

    ``context`` is the number of positions that the model has, None if unbounded.
    """

    name: str
    tokenizer: Any
    context: int | None

    @property
    def has_chat_template(self) -> bool:
        """True if the tokenizer has a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def render_chat(self, messages: Sequence[dict[str, str]]) -> str:
        """Return turns in the chat template, ready for the assistant's answer; raise `ModelError` if it fails."""
        if not self.has_chat_template:
            raise ModelError(
                f"expected a model with a chat template, got {self.name} without one; use the template completion"
            )
        try:
            # Templates without thinking ignore the flag. Thoughts would use up all tokens of an answer.
            text = self.tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        except Exception as error:  # templates are programs and may raise anything
            raise ModelError(
                f"the chat template of {self.name} refuses these turns ({first_line(error)}); use the "
                "template completion or other roles"
            ) from None
        return str(text)

    def encode(self, text: str, *, special_tokens: bool) -> list[int]:
        """Return the token ids of one text."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=special_tokens, verbose=False)["input_ids"]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of generated ids, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def can_end(self, token: int) -> bool:
        """Return True if no later token can change the text up to this token.

        The text of a single byte depends on the bytes around it, and special tokens between them are skipped.
        """
        if token in self.tokenizer.all_special_ids:
            return False
        return _BYTE.fullmatch(str(self.tokenizer.convert_ids_to_tokens(token))) is None

    def budget(self, length: int, max_new_tokens: int) -> int:
        """Return how many tokens may follow a prompt of ``length`` tokens, at most ``max_new_tokens``.

        Raises
        ------
        ModelError
            If the prompt is empty or fills the context.
        """
        if length < 1:
            raise ModelError(f"expected a prompt of at least one token for {self.name}, got none; write a prompt")
        if self.context is not None and length >= self.context:
            raise ModelError(
                f"expected a prompt shorter than the {self.context} positions of {self.name}, got {length} "
                "tokens; use fewer or shorter examples, or a model with a longer context"
            )
        return max_new_tokens if self.context is None else min(max_new_tokens, self.context - length)


def first_line(error: Exception) -> str:
    """Return the first line of an exception's text, cut to 200 characters."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0].rstrip(".")[:200]
