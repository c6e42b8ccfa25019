"""What is known about models with weights: their chat template and their context."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from instructzero.build import build_writer_model
from instructzero.calls.store import WRITER
from instructzero.cli.doctor.findings import Finding, State
from instructzero.config import Settings
from instructzero.errors import InstructZeroError
from instructzero.protocols import BlackBox
from instructzero.terminal import excerpt
from instructzero.types import Message

_TOKENS, _SHOWN = 8, 60
_CONVERSATION = (Message("system", "Be brief."), Message("user", "What is 3 + 2?"))


def examine_local(model: BlackBox) -> Iterator[tuple[str, str]]:
    """Yield the template and the context of a black box with weights, as (name, detail); nothing for any other."""
    remarks_on = getattr(model, "remarks_on", None)
    if remarks_on is None:
        return
    has_template = model.identity.get("template") == "chat"
    yield "chat template", "used" if has_template else "none is used: the prompt is plain text"
    remarks = remarks_on(_CONVERSATION)
    yield "system role", "; ".join(remarks) or "the template has one"
    if context := getattr(model, "context", None):
        yield "context", f"{context} tokens"


def examine_writer(settings: Settings) -> Iterator[Finding]:
    """Yield what a writer with weights, here or on a server, is and whether it writes."""
    try:
        start = perf_counter()
        writer = build_writer_model(settings)
        loaded = perf_counter() - start
        yield _finding("model", f"{settings.writer}, hidden size {writer.hidden_size}, loaded in {loaded:.1f} s")
        yield _finding("chat template", "has one" if writer.has_chat_template else "has none: it reads plain text")
        if context := getattr(writer, "context", None):
            yield _finding("context", f"{context} tokens")
        start = perf_counter()
        (text,) = writer.generate(None, "", "Input: a\nOutput: b", max_new_tokens=_TOKENS, special_tokens=True)
        yield _finding("answer", f"“{excerpt(text, _SHOWN)}” after {perf_counter() - start:.2f} s")
    except InstructZeroError as error:
        yield _finding("answer", str(error), State.FAIL)


def _finding(name: str, detail: str, state: State = State.OK) -> Finding:
    return Finding(f"{WRITER}, {name}", detail, state)
