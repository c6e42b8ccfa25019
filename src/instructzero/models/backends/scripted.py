"""Models without weights that always give the same answer: for tests, and for a first look at a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.errors import ModelError
from instructzero.models.capabilities import SCRIPTED
from instructzero.models.registry import Backend, BlackBoxOptions, Role, WriterOptions

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox, SoftPromptModel

WRITER = "phrases"


def _writer(name: str, options: WriterOptions) -> SoftPromptModel:
    from instructzero.models.scripted import ScriptedWriter

    if name != WRITER:
        raise ModelError(f"expected the scripted writer {WRITER}, got {name!r}; use scripted:{WRITER}")
    return ScriptedWriter()


def _blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    from instructzero.models.scripted import SCRIPTS, ScriptedBlackBox

    if name not in SCRIPTS:
        raise ModelError(
            f"expected one of the scripted black boxes {', '.join(SCRIPTS)}, got {name!r}; choose one of them"
        )
    return ScriptedBlackBox(SCRIPTS[name], name=name, concurrency=options.concurrency or 8)


BACKEND = Backend(
    form="scripted:NAME",
    capabilities=SCRIPTED,
    writer=Role("eight fixed phrases, for tests", _writer, form=f"scripted:{WRITER}", names=(WRITER,)),
    blackbox=Role(
        "fixed answers without a model, for tests",
        _blackbox,
        form="scripted:echo or scripted:obey",
        names=("echo", "obey"),
    ),
)
