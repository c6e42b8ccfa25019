"""Between text and a model's token ids: its tokenizer, its chat template and the length of its context."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from instructzero.errors import ModelError

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Codec:
    """What can be done with a model's tokenizer alone; the base of who has one.

    ``context`` is how many positions the model has, None if unbounded.
    """

    name: str
    tokenizer: Any
    context: int | None

    @property
    def has_chat_template(self) -> bool:
        return bool(getattr(self.tokenizer, "chat_template", None))

    def render_chat(self, messages: Sequence[dict[str, str]]) -> str:
        """The turns in the model's chat template, ready for the assistant's answer."""
        if not self.has_chat_template:
            raise ModelError(
                f"expected a model with a chat template, got {self.name} without one; use the template completion"
            )
        try:
            # Templates that know no thinking ignore the flag; a thought would eat the whole answer's budget.
            text = self.tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        except Exception as error:  # templates are programs of their own and raise what they like
            raise ModelError(
                f"the chat template of {self.name} refuses these turns ({first_line(error)}); use the "
                "template completion or other roles"
            ) from None
        return str(text)

    def encode(self, text: str, *, special_tokens: bool) -> list[int]:
        """Token ids of one text."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=special_tokens, verbose=False)["input_ids"]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated ids, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def can_end(self, token: int) -> bool:
        """Whether the text up to this token stays the same whatever follows.

        The text of a lone byte depends on the bytes around it, and special tokens between them are left out.
        """
        if token in self.tokenizer.all_special_ids:
            return False
        return _BYTE.fullmatch(str(self.tokenizer.convert_ids_to_tokens(token))) is None

    def budget(self, length: int, max_new_tokens: int) -> int:
        """How many tokens may follow a prompt of ``length`` tokens, at most ``max_new_tokens``."""
        if length < 1:
            raise ModelError(f"expected a prompt of at least one token for {self.name}, got none; write a prompt")
        if self.context is not None and length >= self.context:
            raise ModelError(
                f"expected a prompt shorter than the {self.context} positions of {self.name}, got {length} "
                "tokens; use fewer or shorter examples, or a model with a longer context"
            )
        return max_new_tokens if self.context is None else min(max_new_tokens, self.context - length)


def first_line(error: Exception) -> str:
    """The first line of an exception's text, short enough for a sentence."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0].rstrip(".")[:200]
