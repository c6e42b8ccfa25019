"""What is known about an endpoint before its model is asked: address, service, dialect and key."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

from instructzero.calls.store import BLACK_BOX, JUDGE
from instructzero.cli.doctor.findings import Finding, State
from instructzero.cli.doctor.remedies import Asked, remedy
from instructzero.config import Settings
from instructzero.errors import InstructZeroError
from instructzero.models.addresses import OFFICIAL, USUAL_KEYS, service_name
from instructzero.models.headers import holds_key, parts_of, takes_api_key, variable_in
from instructzero.models.listing import list_models
from instructzero.models.proxies import proxy_for
from instructzero.models.service import check_address, public_url
from instructzero.roles import Endpoint

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Remote:
    """An endpoint behind an API, and what is known about it beforehand."""

    asked: Asked
    findings: tuple[Finding, ...]


def examine_address(role: str, endpoint: Endpoint, settings: Settings) -> Remote | None:
    """Return what is known about the endpoint of a role; None if its model is on this machine.

    Raises
    ------
    ModelError
        If its address is none.
    """
    kind, _, model = endpoint.spec.partition(":")
    if kind not in OFFICIAL:
        return None
    url = endpoint.address or OFFICIAL[kind]
    check_address(url, setting=endpoint.setting)
    asked = Asked(role, url, model, endpoint.setting, kind == "anthropic", endpoint.key_env, endpoint.headers)
    findings = (
        Finding(f"{role}, address", _address(role, endpoint, url, _dialect(role, kind, settings))),
        Finding(f"{role}, key", _key(kind, endpoint, url)),
    )
    return Remote(asked, findings)


async def examine_listed(role: str, asked: Asked) -> AsyncIterator[Finding]:
    """Yield what the endpoint's list of models tells about the model, which is no paid call."""
    listing = await asked.listing()
    if listing.models is None:
        return
    owners = frozenset(model.owner for model in listing.models)
    model = listing.find(asked.model)
    looks = service_name(asked.url, owners)
    if looks and not service_name(asked.url):
        yield Finding(f"{role}, service", f"looks like {looks}")
    if model is None:
        yield Finding(f"{role}, list of models", f"{asked.model} is not in it, but is answered", State.NOTE)
    elif model.context:
        yield Finding(f"{role}, context", f"{model.context} tokens")


async def examine_listing(endpoint: Endpoint) -> Finding:
    """Return the models at an address without a model, which is no paid call."""
    url = endpoint.url or ""
    try:
        names = await list_models(url, api_key_variable=endpoint.key_env, headers=endpoint.headers)
    except InstructZeroError as error:
        asked = Asked(BLACK_BOX, url, "", endpoint.setting, False, endpoint.key_env, endpoint.headers)
        fix = await remedy(asked, str(error))
        return Finding("endpoint", f"{error}{f'; {fix}' if fix else ''}", State.FAIL)
    offered = ", ".join(names[:_SHOWN]) or "no models"
    return Finding(
        "endpoint", f"{public_url(url)} offers {offered}; --blackbox openai:NAME asks one of them a question"
    )


def _address(role: str, endpoint: Endpoint, url: str, dialect: str) -> str:
    by = "" if endpoint.url else " (the official address)"
    if endpoint.url is None and endpoint.address:
        by = " (from the environment)"
    elif endpoint.shared and endpoint.url and role != BLACK_BOX:
        by = " (that of the black box)"
    looks = service_name(url)
    proxy = proxy_for(url)
    through = f", through the proxy {proxy}" if proxy else ""
    return f"{endpoint.spec} at {public_url(url)}{by}{f', looks like {looks}' if looks else ''}; {dialect}{through}"


def _dialect(role: str, kind: str, settings: Settings) -> str:
    if kind == "anthropic":
        return "messages of Anthropic's API"
    chosen = {BLACK_BOX: settings.blackbox_template, JUDGE: "auto"}.get(role, settings.writer_template)
    return "completions of OpenAI's API" if chosen == "completion" else "chat completions of OpenAI's API"


def _key(kind: str, endpoint: Endpoint, url: str) -> str:
    if line := next((line for line in endpoint.headers if holds_key(line, kind)), ""):
        name, value = parts_of(line)
        variable = variable_in(value)[1]
        return f"sent in your header {name}{f', from {variable}' if variable else ''}"
    variable = endpoint.key_env or USUAL_KEYS[kind]
    header = "api-key" if kind == "openai" and takes_api_key(url) else "Authorization"
    if not os.environ.get(variable, "").strip():
        return f"{variable} is not set, so none is sent"
    return f"{variable} is set, and sent in the header {header}"
