"""The origins of the evaluated texts: soft prompts, continuations, requests, the user, or the exemplars alone."""

from __future__ import annotations

from instructzero.optimizers.registry import recorded_method
from instructzero.pricing import pays_for_texts
from instructzero.report.source import Source
from instructzero.types import Proposal

SOFT_PROMPT, CONTINUATION, REQUEST, OWN, PLAIN = "soft prompt", "continuation", "request", "own", "plain"
"""The origins: written under a soft prompt, continued under one, written on request, given, and written without any."""


def pays(source: Source) -> bool:
    """Return True if a model writes the texts on request, so that a rewrite has no point in the search space."""
    return pays_for_texts(source.settings, recorded_method)


def origin_of(source: Source, proposal: Proposal) -> str:
    """Return the origin of the text of a proposal."""
    if proposal.given is not None:
        return OWN
    if proposal.rewrite is None:
        return PLAIN if proposal.z is None else SOFT_PROMPT
    if pays(source):
        return REQUEST
    return CONTINUATION if proposal.rewrite.start else SOFT_PROMPT


def origins_of(source: Source) -> dict[str, str]:
    """Return the origin of every evaluated text: that of its first evaluation, or its role as a reference."""
    found: dict[str, str] = {}
    for role, text in source.references.items():
        if role in (PLAIN, "baseline"):
            found[text] = PLAIN if role == PLAIN else OWN
    for trial in source.history.trials:
        found.setdefault(trial.instruction, origin_of(source, trial.proposal))
    return {text: found.get(text, OWN) for text in source.known}
