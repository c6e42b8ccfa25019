"""The template of the questions to the black box that the settings of a run choose."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from instructzero.config import Settings
from instructzero.prompts.fields import braced
from instructzero.prompts.template import DEFAULT, INPUT, PromptTemplate


def template_of(settings: Settings, columns: Collection[str] = ()) -> PromptTemplate:
    """Return the template of a run: that of ``--prompt``, or the default one.

    Parameters
    ----------
    settings
        The settings of the run. ``{input}`` stands for the input column, also where the prompt names this column.
        Without a prompt of the user's, an instruction with such a field is a whole prompt.
    columns
        Names of columns that are fields although they have another form than a name, such as one with a space.

    Raises
    ------
    ConfigurationError
        If the text of the prompt is no template.
    """
    if settings.prompt is None:
        return replace(DEFAULT, whole=tuple(dict.fromkeys([INPUT, settings.input_column])))
    return PromptTemplate.parse(settings.prompt, {*columns, *input_names(settings)}).with_input_named(
        settings.input_column
    )


def input_names(settings: Settings) -> tuple[str, ...]:
    """Return the names by which a prompt may call the input columns; a column may have a comma in its name."""
    return (settings.input_column, *map(str.strip, settings.input_column.split(",")))


def columns_shown(settings: Settings) -> tuple[str, ...]:
    """Return the names of the columns that the prompt may show; those that the data lack are no fields."""
    return template_of(settings, braced(settings.prompt or "")).columns
