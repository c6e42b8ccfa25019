"""The settings of the command ``run``: from flags, from a YAML file, and from the environment, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.config import Settings, load_yaml, stored_settings, text_settings
from instructzero.config.environment import OUT, Environment, variable_of
from instructzero.config.texts import flag_of, with_texts
from instructzero.errors import ConfigurationError

_FOLDERS = ("data_dir", "store", OUT)
_DATA = ("task", "test_data")
_MODELS = ("writer", "blackbox", "judge")
_RELATIVE = ("./", "../", ".\\", "..\\")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run, the directory that is named for it, and sentences about variables that are no settings."""

    settings: Settings
    out: Path | None
    warnings: tuple[str, ...]


def read_run_settings(
    flags: Mapping[str, Any], config: Path | None, out: Path | None, environ: Mapping[str, str]
) -> RunSettings:
    """Return the settings of all sources: flags before the file ``config``, the file before the environment.

    Relative paths in the file begin at its folder, those of flags and of the environment at the working directory.

    Parameters
    ----------
    flags
        The flags that were given, by the name of their setting.
    config
        A YAML file, or None.
    out
        The run directory that a flag names, or None.
    environ
        The environment variables.

    Raises
    ------
    ConfigurationError
        With one sentence about the first fault; it names the flag or the variable.
    """
    environment = Environment.read(environ)
    file = _of_file(config) if config else {}
    variables = {name: value for name, value in environment.values.items() if name not in {**file, **flags}}
    texts = text_settings()
    values = {
        **with_texts(variables, texts, Path(), variable_of),
        **with_texts({name: value for name, value in file.items() if name not in flags}, texts, _folder(config)),
        **with_texts(flags, texts, Path(), flag_of),
    }
    named = values.pop(OUT, None)
    if named is not None and not (isinstance(named, str | Path) and str(named).strip()):
        raise ConfigurationError(f"expected the path of a folder for 'out', got {named!r}; fix it in {config}")
    settings = stored_settings(values, {name: variable_of(name) for name in variables})
    return RunSettings(settings, out or (None if named is None else Path(named)), environment.warnings)


def _folder(config: Path | None) -> Path:
    return config.parent if config else Path()


def _of_file(config: Path) -> dict[str, Any]:
    """Return the values of a YAML file, with the paths of its folder; those of texts stay relative to it."""
    folder = _folder(config)
    values = load_yaml(config)
    return {name: _placed(name, value, folder) for name, value in values.items()}


def _placed(name: str, value: Any, folder: Path) -> Any:
    """Return a value of a file in ``folder``, with the path that it names from the working directory."""
    if not isinstance(value, str) or not value.strip() or folder == Path():
        return value
    if name in _FOLDERS:
        return str(folder / value)
    if name in _DATA:
        return _placed_data(value, folder)
    return _placed_model(value, folder) if name in _MODELS else value


def _placed_data(source: str, folder: Path) -> str:
    from instructzero.tasks import is_task_file
    from instructzero.tasks.files.hub import PREFIX

    if is_task_file(source):
        return str(folder / source)
    name = source.removeprefix(PREFIX)
    is_folder = name.startswith(_RELATIVE) or (folder / name.partition("#")[0].partition(":")[0]).is_dir()
    return f"{PREFIX}{folder / name}" if source.startswith(PREFIX) and is_folder else source


def _placed_model(spec: str, folder: Path) -> str:
    from instructzero.models.registry import with_absolute_folder

    return with_absolute_folder(spec, folder)
