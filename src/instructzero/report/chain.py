"""The chain of texts that led to the best instruction, with the request or the first words that made each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from instructzero.models.registry import is_asked
from instructzero.optimizers.registry import recorded_method
from instructzero.report.lineage import parents_of
from instructzero.report.origins import REQUEST, origin_of
from instructzero.report.source import Record, Source
from instructzero.types import Candidate, Rewrite, Trial

MAX_STEPS = 12
"""The maximum number of texts in the chain, the last ones."""

_FIXED = 20  # characters of a line of a request by which its kind is recognised


def chain_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """Return the chain of texts from which the best instruction was made, the first one first.

    A text that was made from several others follows the one that was to be improved, or else the best of them.

    Returns
    -------
    ``steps``: the last `MAX_STEPS` texts of the chain, each with its row, its round, its evaluation (None for a text
    that the search did not evaluate) and its ``origin``. A text on request has the name of the ``kind`` of request
    (None if it is not known), the ``request``, the ``answer`` of the model that wrote it, the ``wrong`` and ``right``
    answers that the request shows, and the rows of the ``others`` from which it was made; a continuation has its first
    words, ``start``. ``length``: the number of texts in the whole chain.
    """
    steps = list(_backwards(source, numbers))[::-1]
    return {"steps": steps[-MAX_STEPS:], "length": len(steps)}


def _backwards(source: Source, numbers: Mapping[str, int]) -> Iterator[Record]:
    """Yield the steps from the best instruction back to the first text of the chain."""
    made: dict[str, tuple[int, Candidate]] = {}
    for number, candidate in source.candidates:
        made.setdefault(candidate.instruction, (number, candidate))
    scored = {trial.instruction: trial for trial in reversed(source.history.trials)}
    kinds = _kinds(source)
    text = source.best
    while text is not None and text in numbers and text in made:
        number, candidate = made[text]
        parents = parents_of(source, number, candidate)
        step = {"row": numbers[text], "round": number, "evaluation": _evaluation(scored.get(text))}
        yield {**step, **_making(source, candidate, kinds, [numbers[trial.instruction] for trial in parents[1:]])}
        text = parents[0].instruction if parents else None


def _evaluation(trial: Trial | None) -> int | None:
    return None if trial is None else trial.number + 1


def _making(source: Source, candidate: Candidate, kinds: Mapping[str, set[str]], others: Sequence[int]) -> Record:
    """Return how a text was made."""
    origin, rewrite = origin_of(source, candidate.proposal), candidate.proposal.rewrite
    if rewrite is None:
        return {"origin": origin}
    if origin != REQUEST:
        return {"origin": origin, "start": rewrite.start}
    return {
        "origin": origin,
        "kind": _kind(rewrite, kinds),
        "request": rewrite.prompt,
        "answer": candidate.writing.raw,
        **_shown_answers(rewrite.prompt),
        "others": list(others),
    }


def _kinds(source: Source) -> dict[str, set[str]]:
    """Return the lines by which each kind of request of the method differs from its other kinds."""
    method = recorded_method(source.settings.method)
    requests = (is_asked(source.settings.writer) and method.requests_without_soft_prompts) or method.requests
    lines = {
        name: {line for line in wording.splitlines() if len(line) >= _FIXED and "{" not in line}
        for name, wording in requests.items()
    }
    return {
        name: own.difference(*(other for another, other in lines.items() if another != name))
        for name, own in lines.items()
    }


def _kind(rewrite: Rewrite, kinds: Mapping[str, set[str]]) -> str | None:
    lines = set(rewrite.prompt.splitlines())
    return next((name for name, own in kinds.items() if own & lines), None)


def _shown_answers(prompt: str) -> Record:
    """Return the answers that a request shows, in the form of `instructzero.optimizers.wording.Answer.lines`."""
    shown: dict[str, list[str]] = {"wrong": [], "right": []}
    kind = "wrong"
    for paragraph in prompt.split("\n\n"):
        if paragraph.startswith("These answers were right."):
            kind = "right"
        if paragraph.startswith("Input: ") and "\nAnswer" in paragraph:
            shown[kind].append(paragraph)
    return shown
