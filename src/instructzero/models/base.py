"""Helpers that several model backends share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from instructzero.errors import ModelError
from instructzero.types import Message

if TYPE_CHECKING:
    from torch import Tensor


def join_contents(messages: Sequence[Message]) -> str:
    """Return the contents of the messages, separated by blank lines, for models without roles."""
    return "\n\n".join(message.content for message in messages)


def check_soft_prompts(soft_prompts: Tensor, hidden_size: int, name: str) -> None:
    """Raise `ModelError` for soft prompts that are not of shape (n, t, h), where h is ``hidden_size``."""
    if soft_prompts.ndim != 3 or soft_prompts.shape[-1] != hidden_size:
        raise ModelError(
            f"expected soft prompts of shape (n, t, {hidden_size}) for {name}, got {tuple(soft_prompts.shape)}; "
            "project to the writer's hidden size"
        )
