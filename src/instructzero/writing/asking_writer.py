"""A writer behind an API: no soft prompts, so that every text is the answer to a request in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.errors import ConfigurationError, ModelError
from instructzero.terminal import excerpt
from instructzero.types import Completion, Finish, Proposal, Rewrite, Usage, Writing
from instructzero.writing.answers import read_texts
from instructzero.writing.rewriter import AskingRewriter

if TYPE_CHECKING:
    from torch import Tensor

_SHOWN = 80
"""Characters of an answer in a message."""

_ROOM = "raise --instruction-tokens; a reasoning model may need thousands"


@dataclass(frozen=True)
class AskingWriter:
    """A paid model that writes instructions when it is asked.

    A proposal without a rewrite gives the plain instruction, which is written from the exemplars alone.

    Parameters
    ----------
    name
        The specification of the model, for messages.
    request
        Asks for the plain instruction.
    asker
        Asks the model.
    rewriter
        Makes texts from other texts: ``asker`` itself, or the black box.
    """

    name: str
    request: str
    asker: AskingRewriter
    rewriter: AskingRewriter

    calls_per_rewrite = 1
    """The number of calls for one request."""

    @property
    def has_account(self) -> bool:
        """True if the usage of `write` is the writer's own, and not the black box's."""
        return self.rewriter is self.asker

    def write(self, proposals: Sequence[Proposal], known: Sequence[Rewrite] = ()) -> tuple[list[Writing], Usage]:
        """Return one text per proposal, in order, and the usage for rewrites that are not among ``known``.

        A text that the model did not write is "".

        Raises
        ------
        ConfigurationError
            If a proposal is a point of the search space, for which there is no request.
        ModelError
            If the model used all tokens before it wrote the plain instruction.
        """
        rewrites = [proposal.rewrite for proposal in proposals if proposal.rewrite is not None]
        asked, usage = self.rewriter.rewrite(rewrites, known)
        rewritten = iter(asked)
        return [self._other(proposal) if proposal.rewrite is None else next(rewritten) for proposal in proposals], usage

    def represent(self, points: Sequence[tuple[float, ...]]) -> Tensor:
        """Raise `ConfigurationError`: there are no hidden states."""
        raise self._refused("hidden states")

    def _other(self, proposal: Proposal) -> Writing:
        """Return the user's own text, or the plain instruction."""
        if proposal.given is not None:
            return Writing(proposal.given, proposal.given)
        if proposal.z is not None:
            raise self._refused("soft prompts")
        writing, completion = self.asker.greedy(self.request)
        if completion.finish is Finish.EMPTY_AT_LIMIT and not writing.instruction:
            raise ModelError(f"the writer {self.name} used all its tokens before it wrote an instruction; {_ROOM}")
        return writing

    def _refused(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"expected a local writer for a method that uses {what}, got {self.name}, which is asked in words; choose "
            "a method that asks for texts, such as ape, or another writer"
        )


class MissingTexts:
    """Warns of answers without a text, and of those that were cut off, once for every kind.

    Parameters
    ----------
    name
        The specification of the model.
    warn
        Receives the sentence.
    """

    def __init__(self, name: str, warn: Callable[[str], None]) -> None:
        self._name = name
        self._warn = warn
        self._seen: set[Finish] = set()

    def check(self, completion: Completion) -> None:
        """Warn if the answer is the first of its kind."""
        finish = completion.finish
        written = finish is Finish.COMPLETE and any(read_texts(completion.text, 1))
        if written or finish in self._seen:
            return
        self._seen.add(finish)
        said = f" ({completion.reason})" if completion.reason else ""
        if finish in (Finish.CUT, Finish.EMPTY_AT_LIMIT):
            fault = f"used all its tokens before the end of an answer{said}; {_ROOM}"
        else:
            ending = _ENDINGS.get(finish, f"its answer is “{excerpt(completion.text, _SHOWN)}”")
            fault = f"gave no instruction for a request: {ending}{said}; the search goes on without it"
        self._warn(f"the writer {self._name} {fault} (further answers of this kind are not reported)")


_ENDINGS = {
    Finish.EMPTY: "its answer is empty",
    Finish.FILTERED: "the content filter of the service withheld it",
    Finish.REFUSED: "the model declined to answer",
    Finish.FAILED: "the service refused the request",
}
