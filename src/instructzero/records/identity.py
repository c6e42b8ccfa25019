"""The identity of a run: the data, prompts and models that its journal is bound to, besides the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instructzero.models.fingerprint import fingerprint
from instructzero.prompts import SOFT_PROMPT_MARK, WriterPrompt
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.dates import printed
from instructzero.tasks import Metric, Task
from instructzero.tasks.custom import FunctionMetric
from instructzero.types import Example, Message, Request

PLACEHOLDER = Example("{exemplar input}", ("{exemplar output}",))
"""An exemplar for rendering prompts: the wording of a prompt is recorded, not the data in it."""

PARTS = ("exemplars", "validation", "confirmation", "test")
"""The parts of a task that have a digest in the header."""

_PROMPTS, _METRIC_CODE, _CODE, _COLUMNS = "prompts", "metric_code", "code", "columns"
_SHOWN = 60  # characters of a prompt in a message
_CONTEXT = 15  # characters of it before the first difference


def header_of(
    task: Task,
    writer: SoftPromptModel | None,
    models: Mapping[str, BlackBox],
    prompts: Mapping[str, str],
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the header of the journal of a run; ``models`` and ``prompts`` are by role.

    A writer that is asked in words is one of the ``models``; ``writer`` is None then.
    ``columns`` are those that the prompt shows. The header holds a date only if a chat template prints one.
    """
    return {
        "task": task.name,
        "metric": task.metric.name,
        **_metric_code(task.metric),
        **digests_of(task, columns),
        **({} if writer is None else {"writer": dict(writer.identity)}),
        **{role: dict(model.identity) for role, model in models.items()},
        **printed(*([] if writer is None else [writer]), *models.values()),
        _PROMPTS: dict(prompts),
        **({_COLUMNS: list(columns)} if columns else {}),
    }


def columns_of(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that the prompt of a run shows besides ``{input}``."""
    return tuple(header.get(_COLUMNS, ()))


def digests_of(task: Task, columns: Sequence[str] | None = ()) -> dict[str, str]:
    """Return a digest of every part of the task, with the ``columns`` that the prompt shows, or with all for None."""
    parts = {"exemplars": task.exemplars, "validation": task.validation, "test": task.test}
    if task.confirmation:
        parts["confirmation"] = task.confirmation
    shown = None if task.metric.reads_columns else columns
    return {name: _digest([_record(example, shown) for example in examples]) for name, examples in parts.items()}


def holds_parts(task: Task, header: Mapping[str, Any], parts: Sequence[str] = PARTS) -> bool:
    """Return True if the ``parts`` of a task are those of the run with this header.

    A metric that is a Python function decides whether the other columns count, and a reader of runs does not import it.
    """
    found = [digests_of(task, columns_of(header))]
    if any(isinstance(part, FunctionMetric) for part in task.metric.parts.values()):
        found.append(digests_of(task, None))
    return any(all(digests.get(part) == header.get(part) for part in parts) for digests in found)


def _record(example: Example, columns: Sequence[str] | None) -> dict[str, Any]:
    """Return what a run depends on of an example, as JSON, with these of its columns, or all for None."""
    cells = {name: cell for name, cell in example.columns.items() if columns is None or name in columns}
    return {"input": example.input, "outputs": example.outputs, **({"columns": cells} if cells else {})}


def placeholder(columns: Sequence[str]) -> Example:
    """Return `PLACEHOLDER` with these columns."""
    return Example(PLACEHOLDER.input, PLACEHOLDER.outputs, {name: f"{{exemplar {name}}}" for name in columns})


def render_question(render: Callable[[str, Example], tuple[Message, ...]], columns: Sequence[str] = ()) -> str:
    """Return the wording of a question to the black box, with placeholders for the instruction and the example."""
    return _text(render("{instruction}", Example("{input}", ("",), {name: f"{{{name}}}" for name in columns})))


def render_writer(prompt: WriterPrompt) -> str:
    """Return the wording of the writer's prompt, with a mark for the soft prompt."""
    return f"{prompt.before}{SOFT_PROMPT_MARK}{prompt.after}"


def render_judge(request: Callable[[Example, str], Request]) -> str:
    """Return the wording of a request to the judge, with placeholders for the example and the answer to grade."""
    return _text(request(Example("{input}", ("{output}",)), "{answer}").messages)


def difference(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> str | None:
    """Return the first field of ``current`` that differs from the ``recorded`` header, with both values; else None."""
    for name, value in current.items():
        found = recorded.get(name)
        if found != value:
            return _field_difference(name, found, value)
    return None


def _field_difference(name: str, found: Any, value: Any) -> str:
    if name == _PROMPTS:
        return _prompt_difference(found or {}, value)
    if isinstance(found, Mapping) and isinstance(value, Mapping):
        changed = {key for key in {*found, *value} if found.get(key) != value.get(key)}
        if name == _METRIC_CODE:
            return f"code of the metric {', '.join(sorted(changed))}"
        if changed == {_CODE}:
            return f"code of the function {value['function']}"
    return f"{name} ({found!r}, now {value!r})"


def _metric_code(metric: Metric) -> dict[str, dict[str, str]]:
    """Return the fingerprints of the functions in a metric by name; nothing if there are none."""
    functions = {name: part.function for name, part in metric.parts.items() if isinstance(part, FunctionMetric)}
    codes = {name: code for name, function in functions.items() if (code := fingerprint(function))}
    return {_METRIC_CODE: codes} if codes else {}


def _prompt_difference(recorded: Mapping[str, str], current: Mapping[str, str]) -> str:
    role = next(role for role in {**recorded, **current} if recorded.get(role) != current.get(role))
    before, now = recorded.get(role, ""), current.get(role, "")
    shared = next((n for n, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, shared - _CONTEXT)
    return f"prompt for the {role} ({_excerpt(before, start)!r}, now {_excerpt(now, start)!r})"


def _excerpt(text: str, start: int) -> str:
    """Return the text from ``start`` on, cut to a length for a message."""
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def _text(messages: tuple[Message, ...]) -> str:
    return "\n\n".join(f"{message.role}: {message.content}" for message in messages)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
