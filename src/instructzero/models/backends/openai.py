"""Black boxes behind OpenAI's API, or behind a server with the same API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.models.capabilities import REMOTE
from instructzero.models.registry import Backend, BlackBoxOptions, Role

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox


def _blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    from instructzero.models.openai import OpenAIBlackBox

    return OpenAIBlackBox(
        name,
        base_url=options.base_url,
        api_key_variable=options.api_key_variable,
        template="chat" if options.template == "auto" else options.template,
        concurrency=options.concurrency or 32,
        timeout=options.timeout,
        address_setting=options.address_setting,
        headers=options.headers,
        extra_body=options.extra_body,
        role=options.role,
    )


BACKEND = Backend(
    form="openai:MODEL",
    capabilities=REMOTE,
    blackbox=Role("the OpenAI API, or any compatible endpoint with --base-url; key in OPENAI_API_KEY", _blackbox),
    refusal="services behind an API take text only",
    address_variable="OPENAI_BASE_URL",
)
