"""The settings of the models that ``doctor`` asks, from the same sources as those of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instructzero.checks import check_addresses
from instructzero.cli.run_settings import read_run_settings
from instructzero.config import Settings
from instructzero.config.environment import variable_of

_TASK = "antonyms"
"""A run has a task, and no question to a model depends on it here."""


def settings_of(flags: Mapping[str, Any], config: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of flags, the file ``config`` and the environment, in this order of precedence.

    Raises
    ------
    ConfigurationError
        With one sentence about the first fault.
    """
    settings = read_run_settings(flags, config, None, {variable_of("task"): _TASK, **environ}).settings
    check_addresses(settings)
    return settings
