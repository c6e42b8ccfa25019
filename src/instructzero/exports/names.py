"""Names of fields for libraries whose variables must be identifiers, and the code that reads their values."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Mapping

ONE_TEXT = '" ".join(sys.argv[1:]) or sys.stdin.read().strip()'
"""The expression of an input that is one text: the arguments of the command line, or else standard input."""


def safe_names(fields: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """Return an identifier of ASCII letters for every field, all different and none ``reserved``.

    >>> safe_names(["subject", "e-mail body", "class"])
    {'subject': 'subject', 'e-mail body': 'e_mail_body', 'class': 'class_'}
    """
    names: dict[str, str] = {}
    for field in fields:
        name = re.sub(r"[^A-Za-z0-9]+", "_", field).strip("_")
        name = name if name[:1].isalpha() else f"field_{name}"
        while name in names.values() or name in reserved or keyword.iskeyword(name) or name.startswith("model_"):
            name = f"{name}_" if not name.startswith("model_") else f"field_{name}"
        names[field] = name
    return names


def reading(names: Mapping[str, str]) -> str:
    """Return the expression of a dict of inputs: one argument of the command line each, or JSON on standard input.

    An input that is one text may be several words. The code needs ``sys`` and, for several fields, ``json``.
    """
    if list(names) == ["input"]:
        return f"{{{names['input']!r}: {ONE_TEXT}}}"
    return f"dict(zip({tuple(names.values())!r}, sys.argv[1:], strict=True)) if sys.argv[1:] else json.load(sys.stdin)"
