"""The fields of DSPy's examples and predictions as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instructzero.models.dspy import as_json


def as_text(record: Any) -> str:
    r"""Return the fields of an example or a prediction as a text: one alone, or several with their names.

    >>> as_text({"label": "late"}), as_text({"label": "late", "parts": [1]})
    ('late', 'label: late\nparts: [1]')
    """
    fields = record.toDict() if hasattr(record, "toDict") else record
    if not isinstance(fields, Mapping):
        return _shown(fields)
    if len(fields) == 1:
        return _shown(next(iter(fields.values())))
    return "\n".join(f"{name}: {_shown(value)}" for name, value in fields.items())


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)
