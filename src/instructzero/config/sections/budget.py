"""Settings: limits, prices and the call store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from instructzero.config.fields import Count, Panel, option


class BudgetSettings(BaseModel):
    """Limits, prices and the call store."""

    max_calls: Annotated[Count | None, option(Panel.BUDGET, "maximum paid calls", operational=True)] = None
    max_usd: Annotated[float | None, option(Panel.BUDGET, "maximum cost", form="DOLLARS", operational=True, gt=0)] = (
        None
    )
    max_tokens: Annotated[Count | None, option(Panel.BUDGET, "maximum prompt and answer tokens", operational=True)] = (
        None
    )
    max_time: Annotated[
        float | None,
        option(Panel.BUDGET, "maximum time; also with a unit: 90s, 30m, 2h", form="SECONDS", operational=True, gt=0),
    ] = None
    input_price: Annotated[
        float | None,
        option(
            Panel.BUDGET,
            "price of a million prompt tokens (default: the list price of a known model)",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    output_price: Annotated[
        float | None,
        option(Panel.BUDGET, "price of a million answer tokens", form="DOLLARS", operational=True, ge=0),
    ] = None
    cached_price: Annotated[
        float | None,
        option(
            Panel.BUDGET,
            "price of a million prompt tokens that the service reads from its cache (default: --input-price)",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    reasoning_price: Annotated[
        float | None,
        option(
            Panel.BUDGET,
            "price of a million tokens of thoughts (default: --output-price)",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    store: Annotated[
        Path | None,
        option(Panel.BUDGET, "call store for several runs (default: the run's own)", form="FILE", operational=True),
    ] = None
    share: Annotated[
        bool,
        option(
            Panel.BUDGET,
            "let others read the files of the run, as the umask says (default: only the owner)",
            operational=True,
        ),
    ] = False
