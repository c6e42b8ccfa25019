"""What to change about an endpoint that gives no answer; only the host that the user named is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.errors import nearest
from instructzero.models.addresses import usual_path
from instructzero.models.listing import Listing, listing_at
from instructzero.models.proxies import proxy_for
from instructzero.models.service import public_url

_HTTPS = re.compile(r"https (?:port|server)|is not http\b|connection broke|bad request version", re.IGNORECASE)
_DEPLOYMENT = re.compile(r"deployment", re.IGNORECASE)
_TEMPLATE = re.compile(r"chat[ _]template|not a chat model", re.IGNORECASE)
_PROXY_REFUSES = re.compile(r"status 40[37]|the proxy refuses")
_SLOW = re.compile(r"no answer within")
_VERSIONED = re.compile(r"/v\d+(?:beta\d*)?(?:/openai)?/*$|/openai/deployments/")
_WITHOUT_TEMPLATE = {
    BLACK_BOX: "use --blackbox-template completion",
    JUDGE: "choose another judge, or give the server a template",
    WRITER: "use --writer-template completion",
}
_UNREACHABLE = "cannot be reached"
_NEEDS_KEY = (401, 403)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """The endpoint that was asked.

    Parameters
    ----------
    role
        The role of the model.
    url
        The address.
    model
        The model's name.
    setting
        The setting of the address.
    anthropic
        It has Anthropic's API.
    key_env, headers
        As in `instructzero.roles.Endpoint`.
    """

    role: str
    url: str
    model: str
    setting: str
    anthropic: bool
    key_env: str | None
    headers: tuple[str, ...]

    @property
    def flag(self) -> str:
        """The option of the address."""
        return f"--{self.setting.replace('_', '-')}"

    async def listing(self, url: str | None = None) -> Listing:
        """Return the list of models at ``url``, an address on the same host, by default the endpoint's own."""
        address = url or self.url
        return await listing_at(
            address,
            anthropic=self.anthropic,
            api_key_variable=self.key_env,
            headers=self.headers,
            keyless=self.url.startswith("https:") and not address.startswith("https:"),
        )


async def remedy(asked: Asked, error: str) -> str:
    """Return one sentence about what to change, "" if the ``error`` says it or nothing is known."""
    if known := _by_message(asked, error):
        return known
    connects = _UNREACHABLE not in error
    listing = await asked.listing() if connects else Listing(public_url(asked.url), 0)
    if listing.models is not None:
        return _model_name(asked, listing)
    for url in _other_addresses(asked, error):
        other = await asked.listing(url)
        other_scheme = urlsplit(url).scheme != urlsplit(asked.url).scheme
        if other.models is not None or other.status in _NEEDS_KEY or (other.status and other_scheme):
            name = _model_name(asked, other)
            return f"the API is at {public_url(url)}: use {asked.flag} {public_url(url)}{f'; {name}' if name else ''}"
    return _unlisted(asked, listing)


def _by_message(asked: Asked, error: str) -> str:
    """Return what an error message alone tells."""
    proxy = proxy_for(asked.url)
    if proxy and _PROXY_REFUSES.search(error):
        return (
            f"the request went through the proxy {proxy} of the environment, which may be what refuses it: add "
            f"{urlsplit(asked.url).hostname} to NO_PROXY, or fix the proxy"
        )
    if _DEPLOYMENT.search(error) and "404" in error:
        return (
            "Azure knows models by the names of your deployments: name one that exists, as openai:DEPLOYMENT or in the "
            f"address, https://RESOURCE.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=... ({asked.flag})"
        )
    if _TEMPLATE.search(error):
        return f"the model has no chat template: {_WITHOUT_TEMPLATE[asked.role]}"
    if _SLOW.search(error):
        return "raise --timeout; a server that loads its model at the first question is quicker at the second try"
    return ""


def _model_name(asked: Asked, listing: Listing) -> str:
    """Return the names that the server has instead."""
    if not asked.model or listing.find(asked.model) or not listing.names:
        return ""
    bases = {name.rpartition("/")[2].partition(":")[0].lower(): name for name in reversed(listing.names)}
    base = asked.model.rpartition("/")[2].partition(":")[0].lower()
    near = nearest(asked.model, listing.names) or bases.get(base) or bases.get(nearest(base, bases) or "")
    names = ", ".join(listing.names[:_SHOWN]) + (", ..." if len(listing.names) > _SHOWN else "")
    kind = "anthropic" if asked.anthropic else "openai"
    hint = f": write {kind}:{near}" if near else f"; it lists {names}"
    return f"the server lists no model {asked.model}{hint}"


def _other_addresses(asked: Asked, error: str) -> Iterator[str]:
    """Yield addresses on the same host that are worth a try."""
    parts = urlsplit(asked.url)
    if parts.scheme == "http" and _HTTPS.search(error):
        yield parts._replace(scheme="https").geturl()
    if parts.scheme == "https" and parts.port and _UNREACHABLE in error:
        yield parts._replace(scheme="http").geturl()
    if _UNREACHABLE in error:
        return
    if (known := usual_path(asked.url)) and urlsplit(known).scheme == parts.scheme:
        yield known
    if not asked.anthropic and not _VERSIONED.search(parts.path):
        yield parts._replace(path=f"{parts.path.rstrip('/')}/v1").geturl()


def _unlisted(asked: Asked, listing: Listing) -> str:
    """Return what the failure of the list of models tells."""
    parts = urlsplit(asked.url)
    if not listing.status or listing.status in _NEEDS_KEY:
        return ""  # the error names the connection or the key
    if _VERSIONED.search(parts.path):
        return f"no list of models at {listing.address} either: check the address ({asked.flag}) and its path"
    return (
        f"{listing.address} is no API, and neither is {listing.address}/v1: check the address ({asked.flag}); a web "
        "page may have the same host as its API, with another path or port"
    )
