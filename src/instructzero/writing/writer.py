"""Turn proposals into instructions: project, generate, clean up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.prompts import CUE, WriterPrompt
from instructzero.protocols import SoftPromptModel
from instructzero.types import Proposal, Rewrite, Usage, Writing
from instructzero.writing.cleaning import clean, is_settled, without_cue
from instructzero.writing.projection import Projection
from instructzero.writing.rewriter import AskingRewriter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Writer:
    """The writer LLM with its prompt and its projection.

    A proposal without z gives the plain instruction, which is written from the exemplars alone.

    Parameters
    ----------
    model
        The writer LLM.
    prompt
        The text around the soft prompt.
    projection
        Maps points z to soft prompts.
    max_new_tokens
        The maximum length of a text in tokens.
    rewriter
        Makes texts from other texts. Without one, the writer continues their first words under the soft prompt.
    """

    model: SoftPromptModel
    prompt: WriterPrompt
    projection: Projection
    max_new_tokens: int
    rewriter: AskingRewriter | None = None

    has_account = False
    """True if the usage of `write` is the writer's own, and not the black box's."""

    @property
    def calls_per_rewrite(self) -> int:
        """The number of black-box calls for one text that is made from others: 0 or 1."""
        return 0 if self.rewriter is None else 1

    def write(self, proposals: Sequence[Proposal], known: Sequence[Rewrite] = ()) -> tuple[list[Writing], Usage]:
        """Return one text per proposal, in order, and the usage of the black box for them.

        ``known`` are the rewrites of earlier rounds; they are not counted again.
        """
        if self.rewriter is None:
            return self._write_here(proposals), Usage()
        rewrites = [proposal.rewrite for proposal in proposals if proposal.rewrite is not None]
        asked, usage = self.rewriter.rewrite(rewrites, known)
        written = iter(self._write_here([proposal for proposal in proposals if proposal.rewrite is None]))
        rewritten = iter(asked)
        return [next(written if proposal.rewrite is None else rewritten) for proposal in proposals], usage

    def represent(self, points: Sequence[tuple[float, ...]]) -> Tensor:
        """Return the model's last hidden state for n points, shape (n, h), float64; see `SoftPromptModel.represent`."""
        return self.model.represent(
            self.projection(points), self.prompt.before, self.prompt.after, special_tokens=self.prompt.special_tokens
        )

    def _write_here(self, proposals: Sequence[Proposal]) -> list[Writing]:
        """Write with the writer LLM; soft prompts that are followed by the same words go through it as one batch."""
        written = {place: given for place, one in enumerate(proposals) if (given := one.given) is not None}
        texts = dict(written)
        starts = ["" if proposal.rewrite is None else proposal.rewrite.start for proposal in proposals]
        for start in dict.fromkeys(starts):
            group = [place for place, other in enumerate(starts) if other == start and place not in written]
            points = [proposals[place].z for place in group]
            texts |= zip(group, self._texts(points, start), strict=True)
        return [
            Writing(texts[place], texts[place] if place in written else self._instruction(texts[place]))
            for place in range(len(proposals))
        ]

    def _instruction(self, text: str) -> str:
        """Return the instruction in a text. A cue of the user's own may be repeated before or after thoughts."""
        cleaned = clean(self._without_cue(text))
        return self._without_cue(cleaned) or cleaned

    def _without_cue(self, text: str) -> str:
        """Return the text without a repeated cue of the user's own; `clean` knows the default one."""
        return text if self.prompt.cue == CUE else without_cue(text, self.prompt.cue)

    def _texts(self, points: Sequence[tuple[float, ...] | None], start: str) -> list[str]:
        """Return one text per point; the texts begin with ``start``."""
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
            until=lambda text: is_settled(self._without_cue(_joined(start, text))),
        )
        return [_joined(start, text) for text in texts]


def _separated(start: str, prompt: WriterPrompt) -> str:
    """Return ``start`` as it follows the prompt: after a space, except after a chat template or white space."""
    is_separate = not prompt.special_tokens or prompt.after[-1:].isspace()
    return start if is_separate or not start else f" {start}"


def _joined(start: str, text: str) -> str:
    """Return ``start`` with its continuation. Some tokenizers drop the space before the first word of a text."""
    return f"{start} {text}" if start and text[:1].isalnum() else start + text
