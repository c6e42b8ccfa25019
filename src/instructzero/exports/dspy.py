"""Export of a run as a DSPy program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from instructzero.exports.access import deployment_of
from instructzero.exports.asking import Asking
from instructzero.exports.names import ONE_TEXT, reading, safe_names
from instructzero.exports.prompt import Field, values_of
from instructzero.prompts.template import INPUT, INSTRUCTION

_RESERVED = (
    *("output", "fields", "instructions", "signature", "demos", "config", "lm"),
    *("append", "construct", "copy", "delete", "dict", "equals", "insert", "json", "prepend", "schema", "validate"),
)
"""Names that signatures and predictors of DSPy use themselves."""


def dspy_program(asking: Asking) -> str:
    """Return a DSPy program: a signature with the instruction, and a predictor with the run's exemplars as demos.

    DSPy writes the messages of the user itself. The texts of system messages become a part of the instruction.
    """
    names = safe_names(asking.prompt.fields or (INPUT,), _RESERVED)
    given = f"input={ONE_TEXT}" if asking.prompt.takes_text else f"**({reading(names)})"
    model = _model(asking)
    modules = ["json"] * (not asking.prompt.takes_text) + ["os"] * ("os.environ" in model) + ["sys"]
    imports = "\n".join(f"import {module}" for module in modules)
    return f'''"""The instruction that instructzero found, as a DSPy signature.

DSPy formats prompts differently from instructzero: scores may differ from those of the run.
"""

{imports}

import dspy

INSTRUCTION = {_instruction(asking)!r}

signature = dspy.Signature("{", ".join(names.values())} -> output", INSTRUCTION)
predict = dspy.Predict(signature)
{_demonstrations(asking, names)}
if __name__ == "__main__":
{model}
    print(predict({given}).output)
'''


def _instruction(asking: Asking) -> str:
    """Return the texts of system messages, and the instruction if it is in none of them."""
    systems = [turn for turn in asking.prompt.turns if turn.role == "system"]
    texts = [turn.written(lambda name: asking.instruction if name == INSTRUCTION else "") for turn in systems]
    if not any(Field(INSTRUCTION) in turn.pieces for turn in systems):
        texts.append(asking.instruction)
    return "\n\n".join(texts)


def _demonstrations(asking: Asking, names: Mapping[str, str]) -> str:
    lines = []
    for shot in asking.shots:
        values = values_of(shot, names)
        inputs = ", ".join(f"{name}={values[field]!r}" for field, name in names.items())
        lines.append(f"    dspy.Example({inputs}, output={shot.outputs[0]!r}),\n")
    return f"predict.demos = [\n{''.join(lines)}]\n" if lines else ""


def _model(asking: Asking) -> str:
    if asking.kind not in ("openai", "anthropic"):
        return "    # Set your model: dspy.configure(lm=dspy.LM(...))"
    name = f"{asking.kind if asking.chat else 'text-completion-openai'}/{asking.model}"
    base = "" if asking.official else f", api_base={asking.endpoint!r}"
    resource, deployment = deployment_of(asking.endpoint)
    if asking.access.in_header and resource:
        name = f"azure/{deployment}"
        base = f", api_base={resource!r}, api_version={asking.access.version!r}"
    return (
        f"    dspy.configure(lm=dspy.LM({name!r}{base}, max_tokens={asking.max_tokens}, "
        f"temperature={asking.temperature!r}{''.join(_further(asking))}))"
    )


def _further(asking: Asking) -> Iterator[str]:
    """Yield the arguments of the key, the headers and the further fields."""
    access = asking.access
    if access.in_header or access.named:
        yield f", api_key=os.environ[{access.variable!r}]"
    if access.headers:
        items = ", ".join(f"{header.name!r}: {header.expression}" for header in access.headers)
        yield f", extra_headers={{{items}}}"
    if access.extra_body:
        yield f", extra_body={dict(access.extra_body)!r}"
