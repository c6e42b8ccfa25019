"""Proposals become instructions: project, generate, clean up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.prompts import WriterPrompt
from instructzero.protocols import SoftPromptModel
from instructzero.types import Proposal, Rewrite, Usage, Writing
from instructzero.writing.cleaning import clean, is_settled
from instructzero.writing.projection import Projection
from instructzero.writing.rewriter import AskingRewriter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Writer:
    """The writer LLM with its prompt and its projection.

    A proposal without z is written from the exemplars alone: the plain instruction. A text that is to be made from
    others is asked of the ``rewriter``; without one, the writer goes on from its first words under the soft prompt.
    """

    model: SoftPromptModel
    prompt: WriterPrompt
    projection: Projection
    max_new_tokens: int
    rewriter: AskingRewriter | None = None

    @property
    def calls_a_rewrite(self) -> int:
        """How many calls of the black box a text costs that is made from others."""
        return 0 if self.rewriter is None else 1

    def write(self, proposals: Sequence[Proposal], known: Sequence[Rewrite] = ()) -> tuple[list[Writing], Usage]:
        """One instruction for each proposal, in order, and what was asked of the black box for them.

        What was asked for before, ``known``, is not counted again.
        """
        if self.rewriter is None:
            return self._write_here(proposals), Usage()
        rewrites = [each.rewrite for each in proposals if each.rewrite is not None]
        asked, usage = self.rewriter.rewrite(rewrites, known)
        here = iter(self._write_here([each for each in proposals if each.rewrite is None]))
        elsewhere = iter(asked)
        return [next(here if each.rewrite is None else elsewhere) for each in proposals], usage

    def represent(self, points: Sequence[tuple[float, ...]]) -> Tensor:
        """What the model makes of n points before it writes, (n, h), float64; see `SoftPromptModel.represent`."""
        return self.model.represent(
            self.projection(points), self.prompt.before, self.prompt.after, special_tokens=self.prompt.special_tokens
        )

    def _write_here(self, proposals: Sequence[Proposal]) -> list[Writing]:
        """All soft prompts that are followed by the same words go through the model as one batch."""
        starts = ["" if each.rewrite is None else each.rewrite.start for each in proposals]
        texts: dict[int, str] = {}
        for start in dict.fromkeys(starts):
            group = [position for position, other in enumerate(starts) if other == start]
            points = [proposals[position].z for position in group]
            texts |= zip(group, self._texts(points, start), strict=True)
        return [Writing(raw=texts[position], instruction=clean(texts[position])) for position in range(len(proposals))]

    def _texts(self, points: Sequence[tuple[float, ...] | None], start: str) -> list[str]:
        """A text for each point that begins with ``start``."""
        located = [z for z in points if z is not None]
        soft = iter(self._generate(self.projection(located), start)) if located else iter(())
        return [self._generate(None, start)[0] if z is None else next(soft) for z in points]

    def _generate(self, soft_prompts: Tensor | None, start: str) -> list[str]:
        texts = self.model.generate(
            soft_prompts,
            self.prompt.before,
            self.prompt.after + _separated(start, self.prompt),
            max_new_tokens=self.max_new_tokens,
            special_tokens=self.prompt.special_tokens,
            until=lambda text: is_settled(_joined(start, text)),
        )
        return [_joined(start, text) for text in texts]


def _separated(start: str, prompt: WriterPrompt) -> str:
    """The first words of the answer after the prompt; a chat template ends where the answer begins."""
    return f" {start}" if start and prompt.special_tokens else start


def _joined(start: str, text: str) -> str:
    """``start`` and how the model went on. Some tokenizers drop the space before a first word."""
    return f"{start} {text}" if start and text[:1].isalnum() else start + text
