"""The types of the settings of an endpoint: address, key, headers, and further fields of a request.

Settings are written to the run directory. So none of these types takes a secret: keys, and headers that hold one, are
given as names of environment variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from instructzero.config.validation import SECRET

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")  # keys have small letters
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_FROM_ENVIRONMENT = re.compile(r"(?:[A-Za-z]+ )?env:(?P<variable>[A-Z_][A-Z0-9_]*)")
_SECRET_NAME = re.compile(
    r"auth|(?:^|[-_])(?:api-?)?key|key$|token|secret|cookie|passw|credential|signature|session"
    r"|(?:^|[-_])(?:sig|code|sas|pass|pwd|pw|jwt|user)$",
    re.IGNORECASE,
)
_KEY_NAME = re.compile(
    r"api[-_]?key|authorization|secret|password|passwd|credential|(?:access|auth|bearer)[-_]?token"
    r"|^(?:auth|token)$|(?:^|[-_])(?:pw|pwd)$",
    re.IGNORECASE,
)
"""Names of fields whose text is a key; ``cache_key`` and ``eos_token`` are none."""

_SECRET_VALUE = re.compile(
    r"\b(?:sk|pk|gsk|key|bearer|basic|ghp|hf|xai|AIza)[-_ ]?[\w*.+/=-]{12,}|[\w+/=-]{32,}", re.IGNORECASE
)
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|gsk|ghp|hf|xai|github_pat)[-_](?=[A-Za-z_-]*\d)[\w-]{12,}|\bAIza[\w-]{12,}", re.IGNORECASE
)
"""Keys by the beginnings that services give them."""

_PLAIN_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_OURS = {
    "model": "the model's name",
    "messages": "--prompt",
    "prompt": "--prompt",
    "max_tokens": "--answer-tokens",
    "max_completion_tokens": "--answer-tokens",
    "stream": "nothing, answers are read whole",
    "n": "nothing, one answer is read",
}
"""The fields of a request that are not free, and what sets them."""


def holds_key_like(text: str) -> bool:
    """Return True if a text has a part that looks like a key.

    >>> holds_key_like("http://host/sk-proj-abcdef123456/v1"), holds_key_like("https://host/v1")
    (True, False)
    """
    return bool(_KEY_LIKE.search(text))


def is_plain_parameter(name: str, value: str) -> bool:
    """Return True if a parameter in the query of an address can be no secret, such as the version of an API."""
    return not _SECRET_NAME.search(name) and bool(_PLAIN_VALUE.fullmatch(value)) and not holds_key_like(value)


def _address(value: str) -> str:
    """Refuse an address with a password or an impossible port, or with a query that may hold a token.

    An @ anywhere may end a password: without a scheme, or after a slash in the password, it is in no usual place.
    """
    _check_port(value)
    parts = urlsplit(value)
    plain = all(is_plain_parameter(*pair) for pair in parse_qsl(parts.query, keep_blank_values=True))
    if "@" in value or "#" in value or holds_key_like(value) or not plain:
        raise _without_secret()
    return value


def _check_port(value: str) -> None:
    """Raise `ValueError` for a port that is no number, or too large, unless the message would repeat a password."""
    try:
        _ = urlsplit(value).port
    except ValueError as error:
        if str(error).startswith("Port out of range"):
            raise
        raise _without_secret() from None


def _without_secret() -> PydanticCustomError:
    return PydanticCustomError(
        SECRET,
        "expected an address without user, password or a key in its query, such as http://host:8000/v1 (keys belong "
        "in the environment)",
    )


def _variable(value: str) -> str:
    """Refuse what is no name of a variable, because it may be the key itself."""
    if not _VARIABLE.fullmatch(value):
        raise PydanticCustomError(
            SECRET, "expected the name of an environment variable in capital letters, such as WRITER_KEY"
        )
    return value


def _headers(value: Any) -> Any:
    """Return one line for each header; a text is one header, and a mapping of a YAML file has one for each key."""
    if isinstance(value, dict):
        return tuple(f"{name}: {text}" for name, text in value.items())
    return (value,) if isinstance(value, str) else value


def _header(line: str) -> str:
    name, colon, value = (part.strip() for part in line.partition(":"))
    if not (colon and _NAME.fullmatch(name) and value.isascii() and value.isprintable() and value):
        raise PydanticCustomError(SECRET, "expected a header such as X-Team:search or api-key:env:NAME")
    is_secret = _SECRET_NAME.search(name) or _SECRET_VALUE.search(value)
    if is_secret and not _FROM_ENVIRONMENT.fullmatch(value):
        raise PydanticCustomError(
            SECRET,
            "expected a header without a secret: put the secret into an environment variable and write "
            "NAME:env:VARIABLE",
        )
    return f"{name}: {value}"


def _checked_headers(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_header, lines))


def _body(value: Any) -> Any:
    """Return the object of a JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        kind = SECRET if _SECRET_VALUE.search(value) or _KEY_NAME.search(value) else "json"
        raise PydanticCustomError(kind, 'expected a JSON object such as {"top_p": 0.9}') from None


def _holds_key(value: Any) -> bool:
    """Return True if a text anywhere in the fields has a name like that of a key, or is held by what has one."""
    if isinstance(value, list):
        return any(map(_holds_key, value))
    if not isinstance(value, dict):
        return False
    return any(_holds_key(held) or (_KEY_NAME.search(str(name)) and _holds_text(held)) for name, held in value.items())


def _holds_text(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(map(_holds_text, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str)


def _free(body: dict[str, Any]) -> dict[str, Any]:
    """Refuse fields that are not free, and secrets, because the fields are written to the run directory."""
    try:
        text = json.dumps(list(body.values()), allow_nan=False)
        holds_key = _holds_key(body)
    except (TypeError, ValueError):  # of YAML, such as a date
        raise PydanticCustomError(
            "json", "expected fields whose values JSON has: texts, finite numbers, lists ..."
        ) from None
    except RecursionError:
        raise PydanticCustomError(SECRET, "expected fields of few lists and objects in one another") from None
    if _SECRET_VALUE.search(text) or holds_key:
        raise PydanticCustomError(
            SECRET, "expected fields without a secret (a header may hold one: --header NAME:env:VARIABLE)"
        )
    for name in body:
        if name in _OURS:
            raise PydanticCustomError(
                "field",
                "expected fields that no other setting has, and {field} is set by {setting}",
                {"field": name, "setting": _OURS[name]},
            )
    return body


Address = Annotated[str, AfterValidator(_address)]
"""An address without a secret."""

Variable = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable that holds a key."""

Headers = Annotated[tuple[str, ...], BeforeValidator(_headers), AfterValidator(_checked_headers)]
"""Headers as lines ``NAME: VALUE``; a value ``env:VARIABLE`` is read from the environment when it is sent."""

Body = Annotated[dict[str, Any], BeforeValidator(_body), AfterValidator(_free)]
"""Further fields of a request, from JSON."""
