"""The headers that a user adds to the requests for a model; secret values come from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from instructzero.errors import ModelError

_MARK = "env:"


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers by name, and the ``secrets`` among their values, which no message may show."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Headers:
        """Read lines such as ``X-Team: search``, ``api-key: env:NAME`` and ``Authorization: Bearer env:NAME``.

        Raises
        ------
        ModelError
            If a variable is not set, or its value cannot be in a header.
        """
        values, secrets = {}, []
        for line in lines:
            name, _, value = (part.strip() for part in line.partition(":"))
            before, mark, variable = value.rpartition(_MARK)
            if mark and (not before or before.endswith(" ")):
                secrets.append(_read(name, variable))
                value = f"{before}{secrets[-1]}"
            values[name] = value
        return cls(values, tuple(secrets))


def _read(name: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not (value and value.isascii() and value.isprintable()):
        found = "a value that no header can hold" if value else "nothing"
        raise ModelError(
            f"expected the value of the header {name} in the environment variable {variable}, got {found}; set it"
        )
    return value
