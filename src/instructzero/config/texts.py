"""Settings that are a text, or the path of a file with the text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from instructzero.errors import ConfigurationError

LISTS = ("start",)
"""The settings that hold several texts."""

_SEPARATOR = re.compile(r"^---[^\S\n]*$", re.MULTILINE)
_SUFFIXES = (".txt", ".md", ".yaml", ".yml", ".json", ".prompt", ".j2", ".jinja")


def with_texts(values: Mapping[str, Any], names: Collection[str], folder: Path) -> dict[str, Any]:
    """Return ``values`` with the texts of the files that the settings ``names`` give.

    Parameters
    ----------
    values
        Settings by key.
    names
        The settings that may be a file or a text.
    folder
        The folder to which paths are relative.

    Raises
    ------
    ConfigurationError
        If a value looks like the path of a file and there is none, or the file cannot be read.
    """
    return {
        name: _read(name, value, folder) if name in names and value is not None else value
        for name, value in values.items()
    }


def _read(name: str, value: Any, folder: Path) -> Any:
    if name in LISTS:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            return value
        return tuple(part for item in given for part in _parts(_text(name, item, folder)))
    if isinstance(value, list):  # a list of messages in a YAML file
        return json.dumps(value, ensure_ascii=False)
    return _text(name, value, folder)


def _text(name: str, value: Any, folder: Path) -> Any:
    """Return the content of the file that ``value`` names, or ``value`` itself if it is no path."""
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or "\n" in value or not value.strip():
        return value
    path = folder / value
    flag = f"--{name.replace('_', '-')}"
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, ValueError) as error:  # a text may be too long for a path, or hold a NUL
        if path.suffix.lower() in _SUFFIXES:
            raise ConfigurationError(f"cannot read {flag} {value}: {error}; check the file") from None
        return value
    if path.suffix.lower() in _SUFFIXES and len(value.split()) == 1:
        raise ConfigurationError(
            f"expected a text or an existing file for {flag}, got {value!r}, which does not exist; check the path"
        )
    return value


def _parts(text: Any) -> list[Any]:
    """Return the texts between lines of ``---``; blank ones are left out."""
    if not isinstance(text, str):
        return [text]
    return [part.strip("\n") for part in _SEPARATOR.split(text) if part.strip()]
