"""The settings of a run: one flat namespace for YAML keys, command-line flags and Python keywords.

A field's description is the help text of its flag, so that every setting is described in one place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from instructzero.config.fields import Panel
from instructzero.config.names import check_name
from instructzero.config.sections.black_box import BlackBoxSettings
from instructzero.config.sections.budget import BudgetSettings
from instructzero.config.sections.hardware import HardwareSettings
from instructzero.config.sections.parts import PartSettings
from instructzero.config.sections.scoring import ScoringSettings
from instructzero.config.sections.search import SearchSettings
from instructzero.config.sections.task import TaskSettings
from instructzero.config.sections.writer import WriterSettings
from instructzero.config.texts import with_texts
from instructzero.config.validation import SENTENCE, Wording, fault_sentence
from instructzero.errors import ConfigurationError
from instructzero.registry import METHODS

_UNITS = {"s": 1, "m": 60, "h": 3600}
_SHOWN = 80  # characters of a value in a message

_WORDING = Wording(
    unknown="unknown setting {name!r}; {hint}",
    missing="no {name} is set; name it with --{flag} or in the configuration file",
    invalid="setting {name!r}: {fault}; change {place}",
    otherwise="run 'instructzero run --help' for the list",
)


class Settings(
    PartSettings,
    HardwareSettings,
    SearchSettings,
    BudgetSettings,
    ScoringSettings,
    BlackBoxSettings,
    WriterSettings,
    TaskSettings,
):
    """Everything that determines a run. The defaults are the paper's setting on the embedded models.

    The sections are base classes, one a file. The first section of the help stands last, because the fields of the
    last base class come first.

    >>> Settings(task="antonyms", evaluations=50).soft_tokens
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, allow_inf_nan=False)

    def parts(self) -> dict[str, Any]:
        """Return the parts of the search that are set, by name."""
        names = [name for name in Settings.model_fields if panel_of(name) == Panel.PARTS]
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @field_validator("method")
    @classmethod
    def _registered(cls, value: str) -> str:
        """Accept the name of a registered method, or one of the form ``python:MODULE:CLASS``, which is loaded later."""
        if not value.startswith("python:") and value not in METHODS:
            raise PydanticCustomError(SENTENCE, "{sentence}", {"sentence": METHODS.unknown(value)})
        return value

    @field_validator("data_dir", "test_data", "store")
    @classmethod
    def _named(cls, value: Path | None) -> Path | None:
        """Refuse what no file can have as its name."""
        if value is not None:
            try:
                check_name(value)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("max_time", "max_wait", mode="before")
    @classmethod
    def _with_unit(cls, value: object) -> object:
        """Return the seconds of 90s, 30m and 2h; leave anything else to the type."""
        if isinstance(value, str) and value[-1:] in _UNITS and value[:-1].strip():
            with contextlib.suppress(ValueError):
                return float(value[:-1]) * _UNITS[value[-1]]
        return value


def make_settings(values: Mapping[str, Any], folder: Path = Path()) -> Settings:
    """Return the settings of keys and values as a user gives them.

    Parameters
    ----------
    values
        The values by key. A value that may be a file or a text is replaced by the text of the file.
    folder
        The folder to which the paths of such files are relative.

    Raises
    ------
    ConfigurationError
        If a key is unknown or missing, or a value is impossible; one sentence about the first fault.
    """
    return stored_settings(with_texts(values, text_settings(), folder))


def text_settings() -> list[str]:
    """Return the names of the settings that may be a file or a text."""
    return [name for name in Settings.model_fields if metadata_of(name)["text"]]


def stored_settings(values: Mapping[str, Any], places: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of keys and values that were written by `dump_yaml`, where texts are never files.

    Parameters
    ----------
    values
        The values by key.
    places
        Where a value was set, for messages, by key; by default it was set by its flag.

    Raises
    ------
    ConfigurationError
        As `make_settings`.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        wording = replace(_WORDING, places=places or {})
        raise ConfigurationError(fault_sentence(error, wording, Settings.model_fields)) from None


def differences(old: Settings, new: Settings, *, besides: Collection[str] = ()) -> list[str]:
    """Return the differences that change the result of a run, each as ``name: old there, new here``.

    Those of the settings ``besides`` are left out.
    """
    return [
        f"{name}: {_excerpt(old, name)} there, {_excerpt(new, name)} here"
        for name in Settings.model_fields
        if getattr(old, name) != getattr(new, name) and not metadata_of(name)["operational"] and name not in besides
    ]


def _excerpt(settings: Settings, name: str) -> str:
    value = repr(getattr(settings, name))
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"


def panel_of(name: str) -> str:
    """Return the section of the help that a setting belongs to."""
    return str(metadata_of(name)["panel"])


def metadata_of(name: str) -> dict[str, Any]:
    """Return the metadata of a setting, as `instructzero.config.fields.option` has it."""
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)
