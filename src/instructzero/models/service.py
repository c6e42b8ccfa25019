"""A service behind an API: its address, its key, and the errors that its refusals become."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from instructzero.errors import EndpointError, InstructZeroError, ModelError, RefusedQuestion, TransientError
from instructzero.models.addresses import connection_advice, secrets_in, shown_address, without_pasted_path
from instructzero.models.complaint import Complaint
from instructzero.models.proxies import secrets_of_proxy
from instructzero.models.refusals import STATUSES, concerns_all, is_about_content, is_at_token_limit
from instructzero.models.secrets import MASK, SECRETS
from instructzero.models.waits import is_long_quota, seconds_asked, seconds_to_wait
from instructzero.terminal import printable

_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|gsk|key|bearer)[-_ ][\w*.…-]{4,}|\bauthorization\W{1,5}basic [^\s\"',;]+", re.IGNORECASE
)
_LONGEST_MESSAGE = 300
_TOO_MANY = 429
_PASSING = (408, 409)
_OVERLOADED = (503, 529)
_GATEWAY_TIMEOUTS = (504, 524)  # the service behind the gateway may have finished the request
_NO_MONEY = re.compile(r"credit balance is too low|insufficient (?:balance|credits?|funds)", re.IGNORECASE)
_BAD_REQUEST, _FORBIDDEN = 400, 403
BLACK_BOX, JUDGE, WRITER = "black box", "judge", "writer"
_PREFIXES = {JUDGE: "judge-", WRITER: "writer-"}
_CUT = 2.0
_WRONG_PATH = re.compile(r"unexpected endpoint", re.IGNORECASE)  # LM Studio reports it with status 200


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete response; the names of ``headers`` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def masked(self) -> Reply:
        """Return the reply without the secrets that its body repeats."""
        body = SECRETS.masked_body(self.body)
        return self if body is self.body else replace(self, body=body)


@dataclass(frozen=True, slots=True)
class Service:
    """The service of a model.

    Parameters
    ----------
    endpoint
        The address as it may be shown and stored.
    model
        The model's name.
    variable
        The environment variable of the key.
    key
        The key, "" for none.
    setting
        The setting of the address, for messages.
    secrets
        Further texts that no message may show, such as headers from the environment.
    role
        The role of the model, for messages.
    timeout
        Seconds after which an answer is late.
    """

    endpoint: str
    model: str
    variable: str
    key: str = field(repr=False)
    setting: str = "base_url"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    role: str = BLACK_BOX
    timeout: float = 60.0

    def __post_init__(self) -> None:
        """Have the secrets masked in all that services send; ordinary words only in messages."""
        SECRETS.keep(self.key, *self.secrets)

    @property
    def cut_s(self) -> float:
        """Seconds after which a request is cut: late answers are worth having, because they may be billed."""
        return _CUT * self.timeout

    def failure(self, status: int, headers: Mapping[str, str], complaint: Complaint) -> InstructZeroError:
        """Return the error for a response with ``status``, without the key, which the message may echo."""
        said = f"status {status}: {self.scrub(complaint.message)}"
        if status == 402 or complaint.code == "insufficient_quota" or _NO_MONEY.search(complaint.message):
            return EndpointError(
                f"the account behind the key in {self.variable} has no money left at {self.endpoint} ({said}); pay "
                "there, then resume: every answer so far is kept"
            )
        if status == _TOO_MANY:
            return TransientError(
                f"the endpoint {self.endpoint} answers with {said}",
                retry_after=seconds_asked(headers, complaint.message, complaint.details),
                throttled=True,
                quota_used_up=is_long_quota(complaint.message, complaint.details),
            )
        if status in _PASSING or status >= 500:
            return TransientError(
                f"the endpoint {self.endpoint} answers with {said}",
                retry_after=seconds_to_wait(headers),
                overloaded=status in _OVERLOADED,
                maybe_paid=status in _GATEWAY_TIMEOUTS,
            )
        if status in STATUSES and (refused := self._refused_question(status, complaint)):
            return refused
        return self._refusal(status, said)

    def _refused_question(self, status: int, complaint: Complaint) -> RefusedQuestion | None:
        """Return the error for a refusal that concerns one question, or may do so; None for any other."""
        said = f"status {status}: {self.scrub(complaint.message)}"
        about_content = is_about_content(status, complaint.code, complaint.message)
        if about_content:
            advice = "shorten or remove it, or change the content filter or the limit of tokens (--answer-tokens)"
            message = (
                f"{self.endpoint} refuses the question to {self.model!r} for its content or length ({said}); {advice}"
            )
        elif status == _FORBIDDEN or concerns_all(complaint.code, complaint.message):
            return None
        else:
            message = f"{self.endpoint} refuses the request for {self.model!r} ({said}); fix the request's settings"
        at_limit = about_content and is_at_token_limit(complaint.message)
        return RefusedQuestion(message, reason=said, about_content=about_content, at_limit=at_limit)

    def _refusal(self, status: int, said: str) -> ModelError:
        if status in (401, _FORBIDDEN):
            return ModelError(
                f"expected a key for {self.endpoint} in the environment variable {self.variable}, but the server "
                f"refuses {'it' if self.key else 'a request without one'} ({said}); set a valid key that may use "
                f"{self.model}, or name its variable with {flag_of(self.role, 'key-env')}"
            )
        if status == 404:
            return ModelError(
                f"expected a model that {self.endpoint} serves, got {self.model!r} ({said}); check the model's name "
                f"and {self.setting}"
            )
        if 300 <= status < 400:
            return ModelError(
                f"expected an API at {self.endpoint}, got a redirection (status {status}); fix {self.setting}"
            )
        return ModelError(
            f"{self.endpoint} refuses the request for {self.model!r} ({said}); fix the request's settings"
        )

    def refused_field(self, name: str, status: int, complaint: Complaint) -> ModelError:
        """Return the error for a refusal of a field that the user adds to the requests."""
        flag = flag_of(self.role, "extra-body")
        return ModelError(
            f"expected fields in {flag} that {self.endpoint} takes for {self.model!r}, got {name!r}, which it refuses "
            f"(status {status}: {self.scrub(complaint.message)}); correct it or leave it out"
        )

    def embedded_failure(self, error: Any) -> InstructZeroError:
        """Return the error for a response with status 200 that holds an ``error`` instead of an answer."""
        complaint = Complaint.of(error)
        if complaint.status is not None and 400 <= complaint.status < 600:
            return self.failure(complaint.status, {}, complaint)
        if _WRONG_PATH.search(complaint.message):
            return ModelError(
                f"expected an API at {self.endpoint}, got: {self.scrub(complaint.message)}; check {self.setting}, "
                "often it ends in /v1"
            )
        if is_about_content(_BAD_REQUEST, complaint.code, complaint.message):
            return self.failure(_BAD_REQUEST, {}, complaint)
        said = self.scrub(complaint.message)
        return TransientError(f"the endpoint {self.endpoint} answers with an error ({said})", maybe_paid=True)

    def unreadable(self, headers: Mapping[str, str]) -> TransientError:
        """Return the error for a response with status 200 without an answer, such as a web page or truncated JSON."""
        kind = self.scrub(headers.get("content-type", "an unnamed kind")).partition(";")[0]
        return TransientError(
            f"expected a completion from {self.endpoint}, got a response without one (status 200, {kind}): check that "
            "the address is an API's, often it ends in /v1",
            maybe_paid=True,
        )

    def unreachable(self, reason: str, *, sent: bool) -> TransientError:
        """Return the error for a request without a response; with ``sent``, it may have reached the service."""
        trouble = "does not answer" if sent else "cannot be reached"
        if sent and reason == f"no answer within {self.cut_s:g} s":
            reason += f", twice the timeout of {self.timeout:g} s"
        return TransientError(
            f"the endpoint {self.endpoint} {trouble} ({self.scrub(reason)}): "
            f"{connection_advice(self.endpoint, reason)}",
            maybe_paid=sent,
        )

    def scrub(self, text: str) -> str:
        """Return the service's text on one line, without control characters, the key or what looks like a key."""
        for secret in (self.key, *self.secrets):
            if secret:
                text = text.replace(secret, MASK)
        text = SECRETS.masked(" ".join(text.split()))
        return _KEY_LIKE.sub(MASK, printable(text))[:_LONGEST_MESSAGE].rstrip(".")


def flag_of(role: str, name: str) -> str:
    """Return the option of a role.

    >>> flag_of("black box", "key-env"), flag_of("judge", "key-env")
    ('--key-env', '--judge-key-env')
    """
    return f"--{_PREFIXES.get(role, '')}{name}"


def read_key(
    variable: str, *, required: bool, setting: str = "base_url", role: str = BLACK_BOX, named: bool = False
) -> str:
    """Return the key in an environment variable, "" for none.

    Parameters
    ----------
    variable
        The variable.
    required
        The official service has no use for a request without a key.
    setting, role
        The setting of the address and the role of the model, for messages.
    named
        The user named the variable, so that it has to be set.

    Raises
    ------
    ModelError
        If a key is ``required`` and there is none, or the key has characters that no header can hold.
    """
    key = os.environ.get(variable, "").strip()
    flag = flag_of(role, "key-env")
    if not key and named:
        raise ModelError(
            f"expected the key of the {role} in the environment variable {variable}, got none; set it, or leave {flag} "
            "out for a server that needs no key"
        )
    if not key and required:
        raise ModelError(
            f"expected an API key in the environment variable {variable}, got none; set it, name another variable with "
            f"{flag}, or give {setting} for a server that needs no key"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(
            f"expected an API key of plain characters in the environment variable {variable}, got others; "
            "copy the key again"
        )
    return key


def without_user(url: str) -> str:
    """Return the address without user and password, as requests are sent to it.

    >>> without_user("https://me:secret@host:8000/v1?api-version=1")
    'https://host:8000/v1?api-version=1'
    """
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def public_url(url: str) -> str:
    """Return the address without user, password, query and final slash, so that it may be shown and stored.

    >>> public_url("https://me:secret@host:8000/v1/?token=abc")
    'https://host:8000/v1'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def check_address(url: str, *, setting: str = "base_url") -> None:
    """Raise `ModelError`, which names the ``setting``, if a text is no address of HTTP; keep the secrets in it."""
    try:
        parts = urlsplit(url)
        is_plain = url.isascii() and url.isprintable() and " " not in url  # as the first line of a request needs it
        valid = is_plain and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        valid = valid and "@" not in f"{parts.path}{parts.query}{parts.fragment}"  # half of a password, perhaps
    except ValueError:
        valid = False
    if not valid:
        raise ModelError(
            f"expected an address such as http://localhost:8000/v1, in ASCII characters without spaces, got "
            f"{shown_address(url)}; fix {setting}"
        )
    SECRETS.keep(*secrets_in(url), *secrets_of_proxy(url))


def checked_url(url: str, *, setting: str = "base_url") -> str:
    """Return `public_url` of an API's address; raise `ModelError`, which names the ``setting``, if it is not one."""
    check_address(url, setting=setting)
    public = public_url(url)
    if (whole := public_url(without_pasted_path(url))) != public:
        raise ModelError(f"expected the address of an API, got that of one of its requests, {public}; write {whole}")
    return public


def extra_identity(extra_body: Mapping[str, Any]) -> dict[str, str]:
    """Return the part of a model's identity for further fields of its requests, which change its answers.

    >>> extra_identity({"top_p": 0.5}), extra_identity({})
    ({'extra_body': '{"top_p": 0.5}'}, {})
    """
    return {"extra_body": json.dumps(extra_body, sort_keys=True)} if extra_body else {}


def check_service(concurrency: int, timeout: float) -> None:
    """Raise `ModelError` for a concurrency below 1, or a timeout in seconds that is not above 0."""
    if concurrency < 1 or timeout <= 0:
        raise ModelError(
            f"expected a concurrency of at least 1 and a timeout above 0 seconds, got {concurrency} and {timeout}; "
            "fix the settings"
        )
