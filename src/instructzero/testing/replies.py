"""Replies of services that are more than an answer: refusals, and answers that are empty, cut off or in parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that an `Endpoint` sends as it is.

    Parameters
    ----------
    content
        The JSON object.
    status
        The status of HTTP.

    >>> Reply.refusal("too long", code="context_length_exceeded").status
    400
    """

    content: Mapping[str, Any]
    status: int = 200

    @property
    def line(self) -> str:
        """The status with its phrase."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    @classmethod
    def refusal(cls, message: str, *, status: int = 400, code: str | None = None, **error: Any) -> Reply:
        """Return the refusal of a request, in the form of OpenAI's API."""
        return cls({"error": {"message": message, "code": code, **error}}, status)

    @classmethod
    def chat(cls, content: Any, finish_reason: str | None = "stop", *, tokens: int = 4, **message: Any) -> Reply:
        """Return an answer in the form of OpenAI's API.

        Parameters
        ----------
        content
            The text, None, or a list of parts.
        finish_reason
            Why the answer ended.
        tokens
            The tokens of the answer.
        message
            Further fields of the message, such as ``refusal`` or ``reasoning_content``.
        """
        said = {"role": "assistant", "content": content, **message}
        choice = {"index": 0, "message": said, "finish_reason": finish_reason}
        usage = {"prompt_tokens": 9, "completion_tokens": tokens}
        return cls({"object": "chat.completion", "choices": [choice], "usage": usage})

    @classmethod
    def anthropic(cls, blocks: list[Any], stop_reason: str | None = "end_turn", *, tokens: int = 4) -> Reply:
        """Return an answer in the form of Anthropic's API, with the blocks of its content."""
        usage = {"input_tokens": 9, "output_tokens": tokens}
        return cls({"type": "message", "content": blocks, "stop_reason": stop_reason, "usage": usage})
