"""The secrets that this process sends to services, and their removal from what services send back.

Keys, passwords in addresses and proxies, and headers from the environment are kept here when they are read. A service
may repeat them: in an error, in a header or in an answer of its model, as they are or encoded. So whatever a service
sends is masked where it enters the program, before it is shown or stored.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from urllib.parse import quote

MASK = "***"
"""The text in the place of a secret."""

_LONG, _MIXED = 16, 8
_BEGUN, _REST = 8, r"[^\s\"'<>,;]*"  # services repeat the beginning of a long key in their errors
_LEAST = 4  # characters of an encoded form; a shorter one is in every text by chance
_LONG_FORM = 8  # characters of an encoded form that is in no text by chance
_DIGIT = "[A-Za-z0-9+/_-]"  # of base64
_ESCAPED = re.compile(r"\\u00[2-7]")
"""An escape of JSON for a printable character of ASCII, which nearly no service writes."""


def is_distinct(secret: str) -> bool:
    """Return True if a secret cannot be an ordinary word: 16 characters, or 8 with letters and digits.

    Servers without keys take any key, such as ``none`` or ``anything``, which answers may contain.

    >>> is_distinct("token-abc123"), is_distinct("lm-studio"), is_distinct("20261231")
    (True, False, False)
    """
    has_letter = any(character.isalpha() for character in secret)
    has_digit = any(character.isdigit() for character in secret)
    return has_letter and (len(secret) >= _LONG or (len(secret) >= _MIXED and has_digit))


def encoded_forms(secret: str) -> dict[str, str]:
    r"""Return patterns of a secret as it is, and in the encodings in which services repeat what they received.

    The keys are texts of which one is in every text that a pattern matches, case aside.

    >>> list(encoded_forms("a/1"))
    ['a/1', '612f31', 'a\\/1', 'a%2F1', 'a%252F1', 'YS8x', 'EvM', 'hLz']
    """
    whole, escaped = quote(secret, safe=""), json.dumps(secret)[1:-1]
    plain = (secret, secret.encode().hex(), html.escape(secret), escaped, escaped.replace("/", "\\/"))
    forms = {text: re.escape(text) for text in (*plain, whole, quote(whole, safe=""))}
    return forms | dict(_in_base64(secret.encode()))


def _in_base64(secret: bytes) -> Iterator[tuple[str, str]]:
    """Yield the three forms of a secret within a longer text in base64, without the digits that it shares with others.

    The patterns include these digits, and the end of the text.
    """
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + secret).decode()
        inner = text[-(-8 * shift // 6) : 8 * (shift + len(secret)) // 6]
        before = f"{_DIGIT}?" if shift else ""
        after = f"{_DIGIT}?(?:=|%3D)*" if (shift + len(secret)) % 3 else ""
        of_addresses = inner.replace("+", "-").replace("/", "_")
        for form in (inner, of_addresses, quote(inner, safe=""), inner.replace("/", "\\/")):
            yield form, f"{before}{re.escape(form)}{after}"


def _escaped_pattern(secret: str) -> str:
    r"""Return a pattern of a secret in JSON, whose characters may be escapes such as \\u0041."""
    return "".join(f"(?:\\\\?{re.escape(one)}|\\\\u00{ord(one):02x})" for one in secret)


class Secrets:
    """Secrets, and their masking. Threads may share it.

    >>> secrets = Secrets()
    >>> secrets.keep("sk-hunter2hunter2")
    >>> secrets.masked("sk-hunter2hunter2 is c2staHVudGVyMmh1bnRlcjI=")
    '*** is ***'
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: set[str] = set()
        self._needles: tuple[str, ...] = ()
        self._in_bodies = self._in_messages = re.compile(rb"(?!)")

    def keep(self, *secrets: str) -> None:
        """Keep secrets of any length. Ordinary words among them are masked in messages only."""
        with self._lock:
            added = {secret for secret in secrets if secret} - self._kept
            if not added:
                return
            self._kept |= added
            distinct = sorted(filter(is_distinct, self._kept))
            forms, words = _longest_first(distinct), _longest_first(self._kept.difference(distinct))
            anywhere = [*forms.values(), *map(_escaped_pattern, distinct)]
            self._in_bodies = _compiled(anywhere)
            begun = [f"{re.escape(secret[:_BEGUN])}{_REST}" for secret in distinct if len(secret) >= _LONG]
            self._in_messages = _compiled([*anywhere, *begun, *self._patterns_of_words(words)])
            self._needles = tuple(dict.fromkeys(_folded(form.encode()) for form in forms))

    def _patterns_of_words(self, forms: Mapping[str, str]) -> Iterator[str]:
        """Yield patterns of whole words, and of long encoded forms anywhere: in base64 a user may precede a key."""
        for form, pattern in forms.items():
            is_encoded = len(form) >= _LONG_FORM and form not in self._kept
            yield pattern if is_encoded else rf"(?<!\w){pattern}(?!\w)"

    def masked(self, message: str) -> str:
        """Return a message, for people, without any secret."""
        content = message.encode("utf-8", "surrogatepass")
        return self._in_messages.sub(MASK.encode(), content).decode("utf-8", "surrogatepass")

    def masked_answer(self, text: str) -> str:
        """Return the text of a model without a distinct secret."""
        content = text.encode("utf-8", "surrogatepass")
        cleaned = self.masked_body(content)
        return text if cleaned is content else cleaned.decode("utf-8", "surrogatepass")

    def masked_body(self, body: bytes) -> bytes:
        """Return the body of a reply without a distinct secret; JSON stays JSON. It is quick if there is none."""
        if not self._needles:
            return body
        folded = _folded(body)
        for needle in self._needles:  # faster than any() or a pattern
            if needle in folded:
                return self._in_bodies.sub(MASK.encode(), body)
        if "\\u00" in folded and _ESCAPED.search(folded):
            return self._in_bodies.sub(MASK.encode(), body)
        return body


def _folded(body: bytes) -> str:
    """Return bytes in small letters, as a text, in which a search is several times as fast."""
    return body.decode("latin-1").lower()


def _longest_first(secrets: Iterable[str]) -> dict[str, str]:
    forms = {form: pattern for secret in secrets for form, pattern in encoded_forms(secret).items()}
    return {form: forms[form] for form in sorted(forms, key=lambda form: (-len(form), form)) if len(form) >= _LEAST}


def _compiled(alternatives: list[str]) -> re.Pattern[bytes]:
    return re.compile("|".join(alternatives or ["(?!)"]).encode("utf-8", "surrogatepass"), re.IGNORECASE)


SECRETS = Secrets()
"""Those of this process."""
