"""The prices of models: list prices of well-known models, and the prices in the settings.

The table holds the standard tier of OpenAI's and Anthropic's own endpoints, from their pages
https://openai.com/api/pricing and https://platform.claude.com/docs/en/about-claude/pricing. It has no discounts (cached
prompts, batches), so a cost is rather too high than too low. Prices change: those in the settings take precedence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from instructzero.errors import ConfigurationError
from instructzero.models.registry import find_backend
from instructzero.types import Usage

AS_OF = "2026-03"
"""The month of the last comparison of the table with the pages."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens of each kind.

    Parameters
    ----------
    input, output
        The price of the tokens of a prompt, and of an answer.
    cached
        The price of the prompt's tokens that the service reads from its cache; None is that of the others.
    reasoning
        The price of the answer's tokens that are thoughts; None is that of the others.

    Raises
    ------
    ConfigurationError
        If a price is below 0 or not finite.

    >>> Price(0.15, 0.6).cost(Usage(calls=1, prompt_tokens=1_000_000, completion_tokens=500_000))
    0.45
    >>> Price(0.15, 0.6, cached=0.05).cost(Usage(1, prompt_tokens=1_000_000, cached_tokens=1_000_000))
    0.05
    """

    input: float
    output: float
    cached: float | None = None
    reasoning: float | None = None

    def __post_init__(self) -> None:
        named = [price for price in (self.input, self.output, self.cached, self.reasoning) if price is not None]
        if not all(math.isfinite(price) and price >= 0 for price in named):
            raise ConfigurationError(
                f"expected prices of at least 0 dollars per million tokens, got {' and '.join(map(str, named))}; "
                "change --input-price and --output-price, or --cached-price and --reasoning-price"
            )

    def cost(self, usage: Usage) -> float:
        """Return the dollars that ``usage`` costs."""
        cached = self.input if self.cached is None else self.cached
        reasoning = self.output if self.reasoning is None else self.reasoning
        return (
            (usage.prompt_tokens - usage.cached_tokens) * self.input
            + (usage.completion_tokens - usage.reasoning_tokens) * self.output
            + usage.cached_tokens * cached
            + usage.reasoning_tokens * reasoning
        ) / 1e6

    def dearest(self, bound: Usage) -> Usage:
        """Return the same tokens as parts that cost the most: it is not known yet what is cached, or a thought.

        >>> Price(1.0, 2.0, reasoning=3.0).dearest(Usage(1, 40, 256)).to_dict()
        {'calls': 1, 'prompt_tokens': 40, 'completion_tokens': 256, 'reasoning_tokens': 256}
        """
        cached = bound.prompt_tokens if (self.cached or 0) > self.input else 0
        reasoning = bound.completion_tokens if (self.reasoning or 0) > self.output else 0
        return replace(bound, cached_tokens=cached, reasoning_tokens=reasoning) if cached or reasoning else bound


FREE = Price(0.0, 0.0)
_BATCHED = 0.5

_TABLE = {
    "openai:gpt-3.5-turbo": Price(0.50, 1.50),
    "openai:gpt-3.5-turbo-0125": Price(0.50, 1.50),
    "openai:gpt-3.5-turbo-1106": Price(1.00, 2.00),
    "openai:gpt-4-turbo": Price(10.00, 30.00),
    "openai:gpt-4o": Price(2.50, 10.00),
    "openai:gpt-4o-2024-05-13": Price(5.00, 15.00),
    "openai:gpt-4o-mini": Price(0.15, 0.60),
    "openai:gpt-4.1": Price(2.00, 8.00),
    "openai:gpt-4.1-mini": Price(0.40, 1.60),
    "openai:gpt-4.1-nano": Price(0.10, 0.40),
    "openai:gpt-5": Price(1.25, 10.00),
    "openai:gpt-5-mini": Price(0.25, 2.00),
    "openai:gpt-5-nano": Price(0.05, 0.40),
    "openai:gpt-5.1": Price(1.25, 10.00),
    "openai:gpt-5.2": Price(1.75, 14.00),
    "openai:o3": Price(2.00, 8.00),
    "openai:o3-mini": Price(1.10, 4.40),
    "openai:o4-mini": Price(1.10, 4.40),
    "anthropic:claude-3-haiku": Price(0.25, 1.25),
    "anthropic:claude-3-5-haiku": Price(0.80, 4.00),
    "anthropic:claude-haiku-4-5": Price(1.00, 5.00),
    "anthropic:claude-3-5-sonnet": Price(3.00, 15.00),
    "anthropic:claude-3-7-sonnet": Price(3.00, 15.00),
    "anthropic:claude-sonnet-4": Price(3.00, 15.00),
    "anthropic:claude-sonnet-4-0": Price(3.00, 15.00),
    "anthropic:claude-sonnet-4-5": Price(3.00, 15.00),
    "anthropic:claude-sonnet-4-6": Price(3.00, 15.00),
    "anthropic:claude-opus-4": Price(15.00, 75.00),
    "anthropic:claude-opus-4-0": Price(15.00, 75.00),
    "anthropic:claude-opus-4-1": Price(15.00, 75.00),
    "anthropic:claude-opus-4-5": Price(5.00, 25.00),
    "anthropic:claude-opus-4-6": Price(5.00, 25.00),
}

# How the providers mark a dated snapshot of a model; the alias "latest" is Anthropic's.
_SNAPSHOT = {"openai": re.compile(r"-\d{4}-\d\d-\d\d\Z"), "anthropic": re.compile(r"-(\d{8}|latest)\Z")}


def price_of(
    spec: str,
    *,
    base_url: str | None,
    input_price: float | None,
    output_price: float | None,
    cached_price: float | None = None,
    reasoning_price: float | None = None,
    batched: bool = False,
) -> Price | None:
    """Return the price of the model of a specification, or None if it is not known.

    Parameters
    ----------
    spec
        The specification, such as ``openai:gpt-4o-mini``.
    base_url
        The address of the endpoint. The table holds for the official endpoint only, which is None.
    input_price, output_price
        Dollars per million tokens from the settings; they take precedence over the table.
    cached_price, reasoning_price
        The same for prompts from a cache and for thoughts, which the table does not have.
    batched
        The model is asked in batches: OpenAI and Anthropic take half the price of the table.

    >>> price_of("openai:gpt-4o-mini-2024-07-18", base_url=None, input_price=None, output_price=None)
    Price(input=0.15, output=0.6, cached=None, reasoning=None)
    """
    listed = _listed(spec, base_url)
    if batched and listed is not None:
        listed = Price(listed.input * _BATCHED, listed.output * _BATCHED)
    if input_price is None and listed is not None:
        input_price = listed.input
    if output_price is None and listed is not None:
        output_price = listed.output
    if input_price is None or output_price is None:
        return None
    return Price(input_price, output_price, cached_price, reasoning_price)


def _listed(spec: str, base_url: str | None) -> Price | None:
    """Return the price from the table, or of a backend whose models are free."""
    kind = spec.partition(":")[0]
    backend = find_backend(kind)
    if backend is not None and backend.capabilities.free:
        return FREE
    if kind not in _SNAPSHOT or base_url is not None:
        return None
    return _TABLE.get(spec) or _TABLE.get(_SNAPSHOT[kind].sub("", spec))


def cost_of(spent: Mapping[str, Usage], prices: Mapping[str, Price | None]) -> float | None:
    """Return the dollars for the usage of all roles, or None if a price is not known."""
    costs = [price.cost(usage) if (price := prices.get(role)) else None for role, usage in spent.items() if usage.calls]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
