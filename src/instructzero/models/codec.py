"""Convert between text and a model's token ids, with its tokenizer, chat template and context length."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from instructzero.errors import ModelError, RefusedQuestion

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_CLOCK = "strftime_now"
"""The function by which chat templates ask for the date."""

_FORMS = "date_in_all_forms"
_FIXED_CLOCK = (
    f"{{%- macro {_CLOCK}(form) -%}}{{%- set date = namespace(text=form) -%}}"
    f"{{%- for code, value in {_FORMS}.items() -%}}"
    "{%- set date.text = date.text | replace(code, value) -%}"
    "{%- endfor -%}"
    "{{ date.text }}{%- endmacro +%}"
)
"""The same function with the date as data: transformers passes no functions to templates."""

_CODES = "aAwdbBmyYHIpMSfzZjUWcxX"
_TWO_DATES = ("1999-12-31", "2026-03-09")
"""Dates that differ in every part."""


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

    @property
    def prints_date(self) -> bool:
        """True if the chat template asks for the date."""
        user = {"role": "user", "content": "Hello."}
        for turns in ([user], [{"role": "system", "content": "Hello."}, user]) if self._asks_for_date() else ():
            with contextlib.suppress(Exception):  # a template may refuse a system turn
                if len({self._apply_template(turns, date) for date in _TWO_DATES}) > 1:
                    return True
        return False

    def render_chat(self, messages: Sequence[dict[str, str]], date: str | None = None) -> str:
        """Return turns in the chat template, ready for the assistant's answer; raise `ModelError` if it fails.

        The date that the template prints is ``date``, such as ``2026-03-09``, or today's if it is None.
        """
        if not self.has_chat_template:
            raise ModelError(
                f"expected a model with a chat template, got {self.name} without one; use the template completion"
            )
        try:
            return self._apply_template(messages, date)
        except Exception as error:  # templates are programs and may raise anything
            raise ModelError(
                f"the chat template of {self.name} refuses these turns ({first_line(error)}); use the "
                "template completion or other roles"
            ) from None

    def _apply_template(self, messages: Sequence[dict[str, str]], date: str | None) -> str:
        # Templates without thinking ignore the flag. Thoughts would use up all tokens of an answer.
        options: dict[str, Any] = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
        if date is not None and self._asks_for_date():
            options |= {"chat_template": _FIXED_CLOCK + self.tokenizer.get_chat_template(), _FORMS: _all_forms(date)}
        return str(self.tokenizer.apply_chat_template(list(messages), **options))

    def _asks_for_date(self) -> bool:
        return _CLOCK in str(getattr(self.tokenizer, "chat_template", None))

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
            If the prompt is empty.
        RefusedQuestion
            If the prompt fills the context.
        """
        if length < 1:
            raise ModelError(f"expected a prompt of at least one token for {self.name}, got none; write a prompt")
        if self.context is not None and length >= self.context:
            raise RefusedQuestion(
                f"expected a prompt shorter than the {self.context} positions of {self.name}, got {length} "
                "tokens; use fewer or shorter examples, or a model with a longer context",
                reason=f"{length:,} tokens, and the model has {self.context:,} positions",
                about_content=True,
            )
        return max_new_tokens if self.context is None else min(max_new_tokens, self.context - length)


def _all_forms(date: str) -> dict[str, str]:
    """Return the date in all forms, by the codes of `datetime.strftime`; those without padding come first."""
    day = datetime.fromisoformat(date).replace(tzinfo=UTC)
    return {
        code: day.strftime(code) for code in (*(f"%-{code}" for code in "dmHIMSj"), *(f"%{code}" for code in _CODES))
    }


def first_line(error: Exception) -> str:
    """Return the first line of an exception's text, cut to 200 characters."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0].rstrip(".")[:200]
