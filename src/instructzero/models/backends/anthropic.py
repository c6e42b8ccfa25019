"""Black boxes behind Anthropic's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.models.capabilities import REMOTE
from instructzero.models.registry import Backend, BlackBoxOptions, Role

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox


def _blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    from instructzero.models.anthropic import AnthropicBlackBox

    return AnthropicBlackBox(
        name,
        base_url=options.base_url,
        api_key_variable=options.api_key_variable,
        concurrency=options.concurrency or 32,
        timeout=options.timeout,
        address_setting=options.address_setting,
        headers=options.headers,
        extra_body=options.extra_body,
        role=options.role,
    )


BACKEND = Backend(
    form="anthropic:MODEL",
    capabilities=REMOTE,
    blackbox=Role("Claude, with the extra anthropic; key in ANTHROPIC_API_KEY", _blackbox),
    refusal="services behind an API take text only",
    address_variable="ANTHROPIC_BASE_URL",
)
