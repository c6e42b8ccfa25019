"""Proposals become instructions: project, generate, clean up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from instructzero.models.base import SoftPromptModel
from instructzero.projection import Projection
from instructzero.templates import CUE, WriterPrompt
from instructzero.types import Proposal, Writing

# Where a writer that does not stop goes on with the next demonstration or turn.
_NEXT_BLOCK = re.compile(r"\n\s*\n|\n\s*(?:Input|Output|Instruction|USER|ASSISTANT)\s*:", re.IGNORECASE)
_LEADING_CUE = re.compile(rf"^(?:{re.escape(CUE)}|Instruction:)\s*:?\s*", re.IGNORECASE)
_QUOTES = {('"', '"'), ("'", "'"), ("“", "”"), ("`", "`")}


def clean(raw: str) -> str:
    """The first instruction in what the writer wrote, on one line.

    Strips white space, cuts at the first blank line or at the start of another demonstration or turn, drops a
    repeated cue and a pair of quotes around the whole. The raw text stays in the journal beside it.

    >>> clean('  The instruction was to "sort the words."\\n\\nInput: b a')
    'sort the words.'
    """
    text = _LEADING_CUE.sub("", _NEXT_BLOCK.split(raw.strip())[0].strip())
    if len(text) > 1 and (text[0], text[-1]) in _QUOTES and text[0] not in text[1:-1]:
        text = text[1:-1]
    return " ".join(text.split())


@dataclass(frozen=True)
class Writer:
    """The writer LLM with its prompt and its projection.

    A proposal without z is written from the exemplars alone: the plain instruction.
    """

    model: SoftPromptModel
    prompt: WriterPrompt
    projection: Projection
    max_new_tokens: int

    def write(self, proposals: Sequence[Proposal]) -> list[Writing]:
        """One instruction for each proposal, in order; all soft prompts go through the model as one batch."""
        points = [proposal.z for proposal in proposals if proposal.z is not None]
        soft = iter(self._generate(points)) if points else iter(())
        texts = [self._plain() if proposal.z is None else next(soft) for proposal in proposals]
        return [Writing(raw=text, instruction=clean(text)) for text in texts]

    def _plain(self) -> str:
        return self.model.generate(
            None,
            "",
            self.prompt.before + self.prompt.after,
            max_new_tokens=self.max_new_tokens,
            special_tokens=self.prompt.special_tokens,
        )[0]

    def _generate(self, points: Sequence[tuple[float, ...]]) -> list[str]:
        return self.model.generate(
            self.projection(points),
            self.prompt.before,
            self.prompt.after,
            max_new_tokens=self.max_new_tokens,
            special_tokens=self.prompt.special_tokens,
        )
