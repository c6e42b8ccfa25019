"""Files of keys and values in YAML: the settings of a run, or the plan of a bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from instructzero.errors import ConfigurationError

if TYPE_CHECKING:
    from instructzero.config.settings import Settings


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the keys and values of a YAML file.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no YAML mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"no configuration file {path}; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the configuration file {path}: {error}") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" at line {place.line + 1}" if place else ""
        raise ConfigurationError(f"{path} is not valid YAML{line}; fix it or use flags") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigurationError(f"expected {path} to hold keys and values such as 'task: antonyms'; fix it")
    return values


def dump_yaml(settings: Settings) -> str:
    """Return the settings as YAML; `make_settings` restores them from the loaded file."""
    import yaml

    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
