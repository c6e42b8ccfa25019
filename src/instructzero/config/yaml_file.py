"""Files of keys and values in YAML: the settings of a run, or the plan of a bench."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instructzero.errors import ConfigurationError

if TYPE_CHECKING:
    from instructzero.config.settings import Settings


def load_yaml(path: Path, opener: Callable[[str, int], int] | None = None) -> dict[str, Any]:
    """Return the keys and values of a YAML file, which is opened by ``opener`` as the function `open` takes it.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no YAML mapping.
    """
    from instructzero.config.yaml_text import YamlFault, read_yaml

    try:
        values = read_yaml(_read(path, opener))
    except FileNotFoundError:
        raise ConfigurationError(f"no configuration file {path}; check the path") from None
    except YamlFault as fault:
        raise ConfigurationError(
            f"{path} is not valid YAML{fault.line} ({fault.reason}); fix it or use flags"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or no name of a file
        raise ConfigurationError(f"cannot read the configuration file {path}: {error}") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigurationError(f"expected {path} to hold keys and values such as 'task: antonyms'; fix it")
    return values


def _read(path: Path, opener: Callable[[str, int], int] | None) -> str:
    """Return the text of a file; of one that is too large, as much as shows it."""
    from instructzero.config.yaml_text import LONGEST

    # Opening a pipe waits for its writer; one of the shell, such as /dev/stdin, has a writer.
    if stat.S_ISFIFO(os.stat(path).st_mode) and not str(path).startswith("/dev/"):
        raise OSError("it is a pipe, where a file is expected")
    with open(path, encoding="utf-8-sig", opener=opener) as file:
        return file.read(LONGEST + 1)


def check_storable(settings: Settings) -> None:
    """Raise `ConfigurationError` for settings whose file could not be read again, because a value is too large."""
    try:
        values = settings.model_dump(mode="json")
    except (ValueError, RecursionError):
        raise ConfigurationError(_unstorable("a value that is too deep", "extra_body")) from None
    if not (reason := _fault(values)):
        return
    alone = (name for name, value in values.items() if _fault({name: value}))
    name = next(alone, None) or max(values, key=lambda name: len(str(values[name])))
    raise ConfigurationError(_unstorable(reason, name))


def _unstorable(reason: str, name: str) -> str:
    return f"setting {name!r}: expected a value that settings.yaml can hold, got {reason}; make it smaller"


def _fault(values: dict[str, Any]) -> str:
    """Return why values would not be read again, "" if they would be."""
    from instructzero.config.yaml_text import YamlFault, read_yaml

    try:
        read_yaml(_dumped(values))
    except YamlFault as fault:
        return fault.reason
    except RecursionError:
        return "a value that is too deep"
    return ""


def dump_yaml(settings: Settings) -> str:
    """Return the settings as YAML; `make_settings` restores them from the loaded file."""
    return _dumped(settings.model_dump(mode="json"))


def _dumped(values: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
