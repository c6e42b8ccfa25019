"""The endpoint of each role: the black box, the judge, and a writer behind an API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.config import Settings
from instructzero.models.headers import holds_key
from instructzero.models.registry import is_asked, usual_address
from instructzero.models.service import public_url

_PREFIXES = {BLACK_BOX: "", JUDGE: "judge_", WRITER: "writer_"}
_MODELS = {BLACK_BOX: "blackbox", JUDGE: "judge", WRITER: "writer"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how the model of a role is asked.

    Parameters
    ----------
    spec
        The specification of the model.
    url
        The address that the settings name; None is the one that the backend takes by default.
    setting
        The setting of the address, for messages.
    key_env
        The environment variable of the key; None is the backend's usual one.
    headers
        Headers of every request, as lines.
    extra_body
        Further fields of every request.
    timeout
        Seconds for one try.
    input_price, output_price
        Dollars per million tokens in the settings; None if they are not set.
    cached_price, reasoning_price
        The same for prompts from a cache and for thoughts; None is the price of the others.
    shared
        The address is that of the black box, because the settings name none for this role.
    """

    spec: str
    url: str | None
    setting: str
    key_env: str | None
    headers: tuple[str, ...]
    extra_body: Mapping[str, Any]
    timeout: float
    input_price: float | None
    output_price: float | None
    cached_price: float | None = None
    reasoning_price: float | None = None
    shared: bool = False

    @property
    def address(self) -> str | None:
        """The address from the settings or from the environment, None for the official one."""
        return self.url or usual_address(self.spec)

    def in_words(self) -> str:
        """Return the model and its address, without a secret."""
        place = f" at {public_url(self.address)}" if self.address else ""
        return f"{self.spec}{place}{', the address of the black box' if self.shared and self.url else ''}"


def endpoint_of(settings: Settings, role: str) -> Endpoint:
    """Return the endpoint of ``role``: "black box", "judge" or "writer".

    A judge or a writer without an address of its own is asked at the black box's, with the same key and headers, if
    both are of one kind of backend, because the user named this service. It is not asked elsewhere.

    >>> chosen = Settings(task="antonyms", blackbox="openai:m", judge="openai:j", base_url="http://host:8000/v1")
    >>> endpoint_of(chosen, JUDGE).in_words()
    'openai:j at http://host:8000/v1, the address of the black box'
    """
    own = _settings(settings, role, "key_env", "header", "extra_body", "timeout")
    prices = _settings(settings, role, "input_price", "output_price")
    spec = getattr(settings, _MODELS[role])
    url = settings.base_url if role == BLACK_BOX else getattr(settings, f"{_PREFIXES[role]}url")
    shared = role != BLACK_BOX and url is None and _kind(spec) == _kind(settings.blackbox)
    if shared:
        url = settings.base_url
        own["header"] = own["header"] or _shared_headers(settings.header, _kind(spec), own_key=own["key_env"])
        own["key_env"] = own["key_env"] or settings.key_env
    if spec == settings.blackbox and url == settings.base_url:  # the same model at the same address
        own_prices = {name: price for name, price in prices.items() if price is not None}
        prices = _settings(settings, BLACK_BOX, *prices, "cached_price", "reasoning_price") | own_prices
    return Endpoint(
        spec,
        url,
        setting="base_url" if shared or role == BLACK_BOX else f"{_PREFIXES[role]}url",
        key_env=own["key_env"],
        headers=own["header"],
        extra_body=own["extra_body"] or {},
        timeout=own["timeout"] or settings.timeout,
        shared=shared,
        **prices,
    )


def _shared_headers(lines: tuple[str, ...], kind: str, *, own_key: str | None) -> tuple[str, ...]:
    """Return the headers of the black box for a role at its address; a key of the role's own replaces that in them."""
    return tuple(line for line in lines if own_key is None or not holds_key(line, kind))


def writer_in_words(settings: Settings) -> str:
    """Return the name and the address of a writer behind an API; "" for any other writer."""
    return endpoint_of(settings, WRITER).in_words() if is_asked(settings.writer) else ""


def _settings(settings: Settings, role: str, *names: str) -> dict[str, Any]:
    """Return the settings of a role by the names that those of the black box have."""
    return {name: getattr(settings, f"{_PREFIXES[role]}{name}") for name in names}


def _kind(spec: str) -> str:
    return spec.partition(":")[0]
