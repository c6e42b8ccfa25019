"""CSV that a spreadsheet may open: a text from data or a model is never a formula there.

Excel, LibreOffice and Google Sheets compute a cell that begins with ``=``, ``+``, ``-`` or ``@``, and such a formula
can send the other cells away (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"['\"]*[\t\r\n]|[\s\0\ufeff'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *", re.ASCII)


def without_formula(value: object) -> object:
    r"""Return a value of a cell; a text that a spreadsheet might compute gets an apostrophe in front.

    Numbers stay as they are, also in texts. Without the first apostrophe, such a text is the original one.

    >>> [without_formula(value) for value in ("=1+1", " -cmd", "'=1", "-1.5", "plain", -1.5)]
    ["'=1+1", "' -cmd", "''=1", '-1.5', 'plain', -1.5]
    """
    if not isinstance(value, str) or not _FORMULA.match(value) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"
