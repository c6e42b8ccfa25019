"""Settings from environment variables: ``INSTRUCTZERO_MAX_USD=1`` stands for ``--max-usd 1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from instructzero.config.settings import Settings
from instructzero.errors import nearest

PREFIX = "INSTRUCTZERO_"
OUT = "out"
"""The key of the run directory in a YAML file and in the environment; it is no setting."""

_OURS = ("INSTRUCTZERO_BENCHMARK_DATA",)  # read by tests
_SECRETS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings in the environment.

    Parameters
    ----------
    values
        The values by key, as text; ``out`` is among the keys.
    warnings
        A sentence for every variable with the prefix that is no setting. It never holds a value.
    """

    values: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Environment:
        """Return the settings among the variables; an empty variable counts as not set.

        >>> Environment.read({"INSTRUCTZERO_SEED": "7", "INSTRUCTZERO_SEDE": "8", "HOME": "/"}).warnings
        ('INSTRUCTZERO_SEDE is no setting and is not used; did you mean INSTRUCTZERO_SEED?',)
        """
        ours = {name: value for name, value in sorted(environ.items()) if name.startswith(PREFIX) and value}
        known = {variable_of(key): key for key in (*Settings.model_fields, OUT)}
        values = {known[name]: value for name, value in ours.items() if name in known}
        unknown = [name for name in ours if name not in known and name not in _OURS]
        return cls(values, tuple(_warning(name, known) for name in unknown))


def variable_of(key: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("max_usd")
    'INSTRUCTZERO_MAX_USD'
    """
    return f"{PREFIX}{key.upper()}"


def _warning(name: str, known: Mapping[str, str]) -> str:
    if any(word in name.removeprefix(PREFIX).split("_") for word in _SECRETS):
        return (
            f"{name} is no setting and is not used; keys are read from the variables of their services, such as "
            "OPENAI_API_KEY"
        )
    near = nearest(name.removeprefix(PREFIX), [variable.removeprefix(PREFIX) for variable in known])
    hint = f"did you mean {PREFIX}{near}?" if near else "'instructzero run --help' lists the settings"
    return f"{name} is no setting and is not used; {hint}"
