"""The origin of the best instruction: its round, and its nearest earlier soft prompts or its parent instructions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from statistics import median

from instructzero.models.registry import is_asked
from instructzero.optimizers.quoting import beginning_of, one_line
from instructzero.optimizers.wording import INSTRUCTION, LISTED_INSTRUCTION
from instructzero.report.source import Record, Source
from instructzero.types import Candidate, Proposal, Trial

MAX_RELATIVES = 5
"""The maximum number of related instructions shown."""

_COMPARED = 500  # characters of a text that is to be improved

_MAX_POINTS = 60  # points from which the median distance is computed


def lineage_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """Return the origin of the best instruction, or a ``note`` that says why it is unknown.

    ``kind`` is "start" for an instruction of the user's from which the search started, "plain", "baseline", "soft
    prompt" or "rewrite" (of texts, by the writer or the black box).
    ``relatives`` of a soft prompt are the nearest points evaluated before its round, with their distances. Those of a
    rewrite are the earlier instructions that its request quotes or whose beginning it continues.
    """
    text = source.best
    roles = {text: role for role, text in source.references.items() if role in ("plain", "baseline")}
    roles |= dict.fromkeys(source.settings.start, "start")
    found = next(((number, made) for number, made in source.candidates if made.instruction == text), None)
    if text is None:
        return {"note": "No instruction has been scored yet."}
    if text in roles:
        return {"kind": roles[text], "row": numbers[text]}
    if found is None:
        return {"note": "The journal does not record the origin of the best instruction."}
    number, candidate = found
    return {
        "row": numbers[text],
        "round": number,
        "raw": candidate.writing.raw,
        "written": sum(made.instruction == text for _, made in source.candidates),
        "z": None if candidate.proposal.z is None else list(candidate.proposal.z),
        **_relatives(source, number, candidate, numbers),
    }


def _relatives(source: Source, number: int, candidate: Candidate, numbers: Mapping[str, int]) -> Record:
    rewrite = candidate.proposal.rewrite
    if rewrite is None:
        earlier = [trial for trial in source.history.trials if trial.round < number]
        return {"kind": "soft prompt", **_nearest(candidate.proposal, earlier, numbers)}
    by_words = _is_by_words(source)
    return {
        "kind": "rewrite",
        "request": rewrite.prompt if by_words else None,
        "start": None if by_words else rewrite.start,
        "relatives": [
            {"row": numbers[trial.instruction], "round": trial.round, "distance": None}
            for trial in sorted(
                parents_of(source, number, candidate), key=lambda trial: -source.value(trial.instruction)
            )[:MAX_RELATIVES]
        ],
    }


def parents_of(source: Source, number: int, candidate: Candidate) -> list[Trial]:
    """Return the evaluated texts from which a text of this round was made: the one to be improved first, then the best.

    They are those that its request quotes, or whose first words it continues; none for a text from a soft prompt alone.
    """
    rewrite = candidate.proposal.rewrite
    if rewrite is None:
        return []
    first = {trial.instruction: trial for trial in reversed(source.history.trials) if trial.round < number}
    texts = _quoted(first, rewrite.prompt)
    if not _is_by_words(source):
        begun = _begun(first, rewrite.start)
        texts = [text for text in begun if text in texts] or begun
    return sorted(
        (first[text] for text in texts),
        key=lambda trial: (_tagged(trial.instruction) not in rewrite.prompt, -source.value(trial.instruction)),
    )


def _is_by_words(source: Source) -> bool:
    return source.settings.rewriter == "blackbox" or is_asked(source.settings.writer)


def _tagged(text: str) -> str:
    """Return the beginning of a text as a request marks the instruction that is to be improved."""
    return f"<instruction>\n{text[:_COMPARED]}"


def _quoted(texts: Iterable[str], prompt: str) -> list[str]:
    """Return the texts that the prompt quotes, whole or cut, but not those that only occur inside another such text."""
    found = []
    for text in sorted(texts, key=len, reverse=True):
        quoted = next((form for form in _forms(text) if form in prompt), None)
        if quoted is not None:
            found.append(text)
            prompt = prompt.replace(quoted, "\0")
    return found


@lru_cache(maxsize=4096)  # every text is sought in every request of a chain
def _forms(text: str) -> tuple[str, ...]:
    """Return the forms in which requests quote a text."""
    forms = (text, beginning_of(text, INSTRUCTION), one_line(text, LISTED_INSTRUCTION))
    return tuple(form for form in forms if form)


def _begun(texts: Iterable[str], start: str) -> list[str]:
    """Return the texts that begin with these words."""
    return [text for text in texts if start and " ".join(text.split()).startswith(start)]


def _nearest(proposal: Proposal, earlier: Sequence[Trial], numbers: Mapping[str, int]) -> Record:
    """Return the nearest evaluated points, one per instruction, and the median distance between two points."""
    located = [(trial, trial.proposal.point) for trial in earlier if trial.proposal.point is not None]
    if proposal.z is None or not located:
        return {"relatives": []}
    own = proposal.z
    by_distance = sorted(((math.dist(own, z), trial) for trial, z in located), key=lambda pair: pair[0])
    first = {trial.instruction: (distance, trial) for distance, trial in reversed(by_distance)}
    nearest = sorted(first.values(), key=lambda pair: pair[0])[:MAX_RELATIVES]
    some = [z for _, z in located[:_MAX_POINTS]]
    distances = [math.dist(one, other) for place, one in enumerate(some) for other in some[:place]]
    return {
        "relatives": [
            {"row": numbers[trial.instruction], "round": trial.round, "distance": distance}
            for distance, trial in nearest
        ],
        "usual_distance": median(distances) if distances else None,
    }
