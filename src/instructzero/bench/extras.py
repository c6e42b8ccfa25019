"""Checks of the optional packages that a bench needs at its end, before its first cell runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib import import_module

from instructzero.errors import ConfigurationError

_REPORT = ("matplotlib", "jinja2", "pyarrow")


def check_extras(log_to: Sequence[str] = ()) -> None:
    """Raise `ConfigurationError` if a package for the report, or for a tracker of ``log_to``, is not installed."""
    missing = [name for name in _REPORT if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"expected the packages {', '.join(_REPORT)} for the report of the bench, found no "
            f"{' and no '.join(missing)}; "
            "install them with: pip install 'instructzero[bench]'"
        )
    for name in dict.fromkeys(log_to):
        import_module(f"instructzero.integrations.{name}")  # says itself how its package is installed
