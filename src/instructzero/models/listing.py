"""The models that an endpoint lists, which costs nothing; a list also shows that an address is an API's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from instructzero.errors import InstructZeroError
from instructzero.models.addresses import USUAL_KEYS
from instructzero.models.complaint import Complaint
from instructzero.models.headers import Headers, authorization
from instructzero.models.http import NoReply, Poster
from instructzero.models.service import Reply, Service, checked_url, public_url, read_key, without_user
from instructzero.models.usage import count

_CONTEXTS = ("max_model_len", "context_length", "context_window", "max_context_length")
_ANTHROPIC = {"anthropic-version": "2023-06-01"}
_OK = 200


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in a list: its name for requests, its owner, and its context in tokens, None if the list has none."""

    name: str
    owner: str = ""
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The reply to a request for the list of models.

    Parameters
    ----------
    address
        The address, without a secret.
    status
        The status of HTTP; 0 if there was no reply.
    models
        The models; None if the reply is no list of models.
    reason
        Why there was no reply, or what a reply that is no list says; without a secret.
    """

    address: str
    status: int
    models: tuple[ListedModel, ...] | None = None
    reason: str = ""

    @property
    def names(self) -> list[str]:
        """The names of the models."""
        return [model.name for model in self.models or ()]

    def find(self, name: str) -> ListedModel | None:
        """Return the model of a name."""
        return next((model for model in self.models or () if model.name == name), None)


async def listing_at(
    url: str,
    *,
    anthropic: bool = False,
    api_key_variable: str | None = None,
    headers: Sequence[str] = (),
    timeout: float = 10.0,
    keyless: bool = False,
) -> Listing:
    """Ask an endpoint for the list of its models.

    Parameters
    ----------
    url
        The address. No other host is asked.
    anthropic
        It has Anthropic's API, whose address has no version.
    api_key_variable
        The environment variable of the key; None is the usual one.
    headers
        Further headers, as lines; see `Headers.of`.
    timeout
        Seconds for the request.
    keyless
        Send neither key nor further headers, because the connection is less secure than the user's.

    Raises
    ------
    ModelError
        If ``url`` is no address, or a variable of the environment is not set.
    """
    variable = api_key_variable or USUAL_KEYS["anthropic" if anthropic else "openai"]
    key = "" if keyless else read_key(variable, required=False, named=api_key_variable is not None)
    own = Headers.of(() if keyless else headers)
    service = Service(checked_url(url), "any", variable, key, secrets=own.secrets)
    ours = {"User-Agent": "instructzero", **(_of_anthropic(own, key) if anthropic else authorization(url, key))}
    poster = Poster(without_user(url), own.over(ours), timeout)
    versioned = urlsplit(url).path.rstrip("/").endswith("/v1")
    try:
        reply = await poster.get("/v1/models" if anthropic and not versioned else "/models")
    except NoReply as error:
        return Listing(service.endpoint, 0, reason=service.scrub(str(error)))
    finally:
        await poster.close()
    return _read(reply.masked(), service)


def _of_anthropic(own: Headers, key: str) -> dict[str, str]:
    """Return the headers for Anthropic's API; servers with it read the key from one of two."""
    keys = {"x-api-key": key, "Authorization": f"Bearer {key}"} if key and not own.hold_key("x-api-key") else {}
    return keys | _ANTHROPIC


async def list_models(base_url: str, **options: Any) -> list[str]:
    """Return the names of the models at an endpoint; the ``options`` are those of `listing_at`.

    Raises
    ------
    InstructZeroError
        If the endpoint does not list its models.
    """
    listing = await listing_at(base_url, **options)
    if listing.models is not None:
        return listing.names
    if not listing.status:
        raise Service(public_url(base_url), "any", "", "").unreachable(listing.reason, sent=False)
    if listing.status != _OK:
        raise InstructZeroError(
            f"{listing.address} does not list its models (status {listing.status}: {listing.reason})"
        )
    raise InstructZeroError(
        f"expected a list of models from {listing.address}, got a response without one; check that the address is an "
        "API's, often it ends in /v1"
    )


def _read(reply: Reply, service: Service) -> Listing:
    said = "" if reply.status == _OK else service.scrub(Complaint.read(reply.body).message)
    models = _models(reply.body) if reply.status == _OK else None
    return Listing(service.endpoint, reply.status, models, said)


def _models(body: bytes) -> tuple[ListedModel, ...] | None:
    try:
        return tuple(_model(card) for card in json.loads(body)["data"])
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None


def _model(card: Mapping[str, Any]) -> ListedModel:
    owner = card.get("owned_by")
    contexts = [count(card.get(name)) for name in _CONTEXTS]
    return ListedModel(str(card["id"]), owner if isinstance(owner, str) else "", max(contexts) or None)
