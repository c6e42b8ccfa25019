"""Settings that are a text, or the path of a file with the text."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from instructzero.errors import ConfigurationError

LISTS = ("start",)
"""The settings that hold several texts."""

_SEPARATOR = re.compile(r"^---[^\S\n]*$", re.MULTILINE)
_SUFFIXES = (".txt", ".md", ".yaml", ".yml", ".json", ".prompt", ".j2", ".jinja")
_PATHS = ("./", "../", "~/")
"""The beginnings of a path; a single "/" begins texts too, such as ``/no_think Translate the word.``"""

_SHOWN = 80  # characters of a value in a message
_LONGEST = 500_000  # characters of a text, so that the settings of a run stay readable

Named = Callable[[str], str]
"""A function from the name of a setting to what it is called where the user has set it, such as ``--prompt``."""


def flag_of(name: str) -> str:
    """Return the flag of a setting.

    >>> flag_of("task_description")
    '--task-description'
    """
    return f"--{name.replace('_', '-')}"


def with_texts(
    values: Mapping[str, Any], names: Collection[str], folder: Path, named: Named = flag_of
) -> dict[str, Any]:
    """Return ``values`` with the texts of the files that the settings ``names`` give.

    A file is text in UTF-8, with or without a byte order mark. Its line ends become line feeds, and those at
    its end are dropped. Where there is no such file, the value is the text itself, unless it looks like a path.

    Parameters
    ----------
    values
        Settings by key.
    names
        The settings that may be a file or a text.
    folder
        The folder to which paths are relative.
    named
        What a setting is called in messages.

    Raises
    ------
    ConfigurationError
        If a value looks like the path of a file and there is none, it is a folder, or the file cannot be read, is
        empty or holds no text.
    """
    return {
        name: _read(named(name), value, folder, several=name in LISTS) if name in names and value is not None else value
        for name, value in values.items()
    }


def _read(label: str, value: Any, folder: Path, *, several: bool) -> Any:
    if several:
        given = value if isinstance(value, list | tuple) else [value]
        return tuple(part for item in given for part in _parts(label, _text(label, item, folder)))
    if isinstance(value, list):  # a list of messages in a YAML file
        return json.dumps(value, ensure_ascii=False)
    return _text(label, value, folder)


def _text(label: str, value: Any, folder: Path) -> Any:
    """Return the content of the file that ``value`` names, or ``value`` itself if it is no path."""
    if isinstance(value, str) and "\0" in value:
        raise ConfigurationError(f"expected a text for {label}, got one with a NUL character; remove it")
    if isinstance(value, str) and ("\n" in value or not value.strip()):
        return value
    if not isinstance(value, str | Path):
        return value
    path = folder / value
    if _is_file(label, path, value):
        return _content(label, path, value)
    if _looks_like_path(value):
        raise ConfigurationError(
            f"expected a text or an existing file for {label}, got {_shown(value)}, which does not exist; check the "
            "path"
        )
    return value


def _is_file(label: str, path: Path, value: str | Path) -> bool:
    """Return True if there is such a file; raise `ConfigurationError` for a folder, or one that cannot be entered."""
    try:
        if path.is_dir():
            raise ConfigurationError(
                f"expected a text or a file for {label}, got {_shown(value)}, which is a folder; name a file in it"
            )
        return path.is_file()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG and _looks_like_path(value):
            raise ConfigurationError(f"cannot read {label} {_shown(value)}: {error.strerror}; check the file") from None
        return False


def _content(label: str, path: Path, value: str | Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(_LONGEST + 1)
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise ConfigurationError(f"cannot read {label} {_shown(value)}: {error.strerror}; check the file") from None
    if "\0" in text:
        raise ConfigurationError(
            f"expected a text in UTF-8 in the file {_shown(value)} of {label}, got other bytes; save it as UTF-8"
        )
    if len(text) > _LONGEST:
        raise ConfigurationError(
            f"expected a text of at most {_LONGEST:,} characters in the file {_shown(value)} of {label}, got more; "
            "shorten it"
        )
    text = text.rstrip("\n")
    if not text.strip():
        raise ConfigurationError(
            f"expected a text in the file {_shown(value)} of {label}, got an empty file; write the text into it, or "
            f"leave {label} out"
        )
    return text


def _looks_like_path(value: str | Path) -> bool:
    if isinstance(value, Path) or value.startswith(_PATHS):
        return True
    return Path(value).suffix.lower() in _SUFFIXES and len(value.split()) == 1


def _shown(value: str | Path) -> str:
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _parts(label: str, text: Any) -> list[Any]:
    """Return the texts between lines of ``---``; blank ones are left out."""
    if not isinstance(text, str):
        return [text]
    parts = [part.strip("\n") for part in _SEPARATOR.split(text.replace("\r\n", "\n")) if part.strip()]
    if not parts:
        raise ConfigurationError(f"expected a text for {label}, got an empty one; write one, or leave {label} out")
    return parts
