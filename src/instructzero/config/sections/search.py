"""Settings: the search."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, field_validator

from instructzero.config.fields import Count, Panel, option


class SearchSettings(BaseModel):
    """The search."""

    method: Annotated[
        str,
        option(
            Panel.SEARCH,
            "search method; 'instructzero methods' describes them, python:MODULE:CLASS loads one of yours",
        ),
    ] = "instructzero"
    start: Annotated[
        tuple[str, ...],
        option(
            Panel.SEARCH,
            "an instruction of your own from which the search starts; may be repeated, and a file may hold several "
            "between lines of ---",
            form="FILE_OR_TEXT",
            text=True,
        ),
    ] = ()
    evaluations: Annotated[Count, option(Panel.SEARCH, "total instructions to evaluate")] = 150
    stop_early: Annotated[
        bool | None,
        option(
            Panel.SEARCH,
            "end the search when no later instruction can rank higher, because all places of the final selection are "
            "taken by instructions with every validation example right (default: yes, except for paper)",
        ),
    ] = None
    search_calls: Annotated[
        Count | None,
        option(
            Panel.SEARCH,
            "maximum black-box calls of the search, without those for the plain instruction, the baseline, the final "
            "selection and the final test",
        ),
    ] = None
    on_zero: Annotated[
        Literal["warn", "stop"],
        option(Panel.SEARCH, "action if all first scores are 0, or all instructions score the same", operational=True),
    ] = "warn"
    seed: Annotated[int, option(Panel.SEARCH, "seed of all random choices", form="SEED", ge=0, lt=2**32)] = 0

    @field_validator("start")
    @classmethod
    def _texts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a blank instruction, and drop repeated ones."""
        if not all(text.strip() for text in value):
            raise ValueError("expected instructions with words, got a blank one")
        return tuple(dict.fromkeys(value))
