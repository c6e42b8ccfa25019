"""Export of the messages of a run, with the best instruction and fields for the input."""

from __future__ import annotations

import json

from instructzero.exports.asking import Asking
from instructzero.prompts.fields import escaped
from instructzero.prompts.template import INSTRUCTION


def messages(asking: Asking) -> str:
    """Return the messages as a JSON list; the input's fields are in single braces, literal braces are doubled.

    It is the form in which ``--prompt`` takes messages, with the instruction filled in.
    """

    def field(name: str) -> str:
        return escaped(asking.instruction) if name == INSTRUCTION else f"{{{name}}}"

    turns = [{"role": turn.role, "content": turn.written(field, escaped)} for turn in asking.prompt.turns]
    return json.dumps(turns, indent=2, ensure_ascii=False) + "\n"
