"""What the writer, the run's settings and the report say about a program and a predictor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def question_of(program: Any, predictor: str, digest: str) -> str:
    """Return the template of a question, for the settings and the report: the adapter makes the actual messages."""
    name = type(program).__name__
    return (
        f"user: The program {_plain(name)} ({digest}), in which the predictor {_plain(predictor)} has the "
        "instruction\n\n{instruction}\n\nanswers the example\n\n{input}"
    )


def description_of(program: Any, predictor: str) -> str:
    """Return what the instruction is for, for the writer."""
    predictors = dict(program.named_predictors())
    signature = predictors[predictor].signature
    task = (
        f"The instruction is for a model that reads {_fields(signature.input_fields)} and writes "
        f"{_fields(signature.output_fields)}."
    )
    if len(predictors) == 1:
        return task
    steps = ", ".join(predictors)
    return (
        f"{task} This is the step {predictor} of a program with the steps {steps}; the examples show the input and the "
        "answer of the whole program."
    )


def _fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}{_note(name, field)}" for name, field in fields.items())


def _note(name: str, field: Any) -> str:
    """Return the description of a field in parentheses, if the user has given one."""
    text = str((field.json_schema_extra or {}).get("desc", ""))
    return f" ({' '.join(text.split())})" if text and text != f"${{{name}}}" else ""


def _plain(name: str) -> str:
    return name.replace("{", "(").replace("}", ")")
