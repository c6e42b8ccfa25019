"""The paid roles of a run, and their prices."""

from __future__ import annotations

from collections.abc import Mapping

from instructzero.calls.prices import Price, price_of
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER
from instructzero.config import Settings
from instructzero.models.registry import is_asked
from instructzero.optimizers.registry import Find, get_method
from instructzero.optimizers.wording import FROM_FAILURES
from instructzero.roles import endpoint_of


def pays_for_texts(settings: Settings, find: Find = get_method) -> bool:
    """Return True if a model is asked for texts: the black box, or a writer that takes no soft prompts."""
    if is_asked(settings.writer):
        return True
    return settings.rewriter == "blackbox" and find(settings.method).rewrites


def text_requests(settings: Settings) -> Mapping[str, str]:
    """Return the wording of the requests for texts that a model is asked, by name; empty if none are."""
    method = get_method(settings.method)
    if not pays_for_texts(settings):
        return {}
    return (is_asked(settings.writer) and method.requests_without_soft_prompts) or method.requests


def shows_failures(settings: Settings) -> bool:
    """Return True if requests for texts show validation examples that an instruction fails on."""
    return FROM_FAILURES in text_requests(settings)


def text_role(settings: Settings, find: Find = get_method) -> str | None:
    """Return the role that is asked for texts which are made from other texts; None if none is.

    It is the writer, if that is asked in words and the settings do not name the black box.
    """
    if not pays_for_texts(settings, find):
        return None
    return REWRITER if settings.rewriter == "blackbox" else WRITER


def role_prices(settings: Settings, find: Find = get_method) -> dict[str, Price | None]:
    """Return the price of every paid role; None for a price that is not known. ``find`` returns the search method."""
    prices = {BLACK_BOX: _price(settings, BLACK_BOX)}
    if text_role(settings, find) == REWRITER:
        prices[REWRITER] = prices[BLACK_BOX]
    if is_asked(settings.writer):
        prices[WRITER] = _price(settings, WRITER)
    if settings.judge is not None:
        prices[JUDGE] = _price(settings, JUDGE)
    return prices


def _price(settings: Settings, role: str) -> Price | None:
    endpoint = endpoint_of(settings, role)
    return price_of(
        endpoint.spec,
        base_url=endpoint.address,
        input_price=endpoint.input_price,
        output_price=endpoint.output_price,
        cached_price=endpoint.cached_price,
        reasoning_price=endpoint.reasoning_price,
        batched=settings.batch_api and role in (BLACK_BOX, JUDGE),
    )
