"""The date of a run, which some chat templates print: it is that of the run's first day, also after a resume."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

Model = TypeVar("Model")
DATE = "date"
"""The field of the journal's header; it is absent if no template prints a date."""


def date_of(header: Mapping[str, Any] | None) -> str:
    """Return the date in the header of a run that was begun, or else today's in UTC, such as ``2026-03-09``."""
    return str((header or {}).get(DATE) or datetime.now(UTC).date().isoformat())


def on_date(model: Model, date: str) -> Model:
    """Return a model whose chat template prints ``date``; the model itself if it prints none. See `Dated`."""
    dated: Model = model.on_date(date) if getattr(model, "prints_date", False) else model  # type: ignore[attr-defined]
    return dated


def printed(*models: object) -> dict[str, str]:
    """Return the field of the header for the date that the models print, or no field if they print none."""
    dates = (getattr(model, "date", None) for model in models)
    return next(({DATE: date} for date in dates if date), {})
