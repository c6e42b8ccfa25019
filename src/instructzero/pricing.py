"""The paid roles of a run, and their prices."""

from __future__ import annotations

from collections.abc import Mapping

from instructzero.calls.prices import Price, price_of
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER
from instructzero.config import Settings
from instructzero.models.registry import is_asked, usual_address
from instructzero.optimizers.registry import get_method
from instructzero.optimizers.wording import FROM_FAILURES
from instructzero.writing.addresses import writer_address


def pays_for_texts(settings: Settings) -> bool:
    """Return True if a model is asked for texts: the black box, or a writer that takes no soft prompts."""
    if is_asked(settings.writer):
        return True
    return settings.rewriter == "blackbox" and get_method(settings.method).rewrites


def text_requests(settings: Settings) -> Mapping[str, str]:
    """Return the wording of the requests for texts that a model is asked, by name; empty if none are."""
    method = get_method(settings.method)
    if not pays_for_texts(settings):
        return {}
    return (is_asked(settings.writer) and method.requests_without_soft_prompts) or method.requests


def shows_failures(settings: Settings) -> bool:
    """Return True if requests for texts show validation examples that an instruction fails on."""
    return FROM_FAILURES in text_requests(settings)


def text_role(settings: Settings) -> str | None:
    """Return the role that is asked for texts which are made from other texts; None if none is.

    It is the writer, if that is asked in words and the settings do not name the black box.
    """
    if not pays_for_texts(settings):
        return None
    return REWRITER if settings.rewriter == "blackbox" else WRITER


def role_prices(settings: Settings) -> dict[str, Price | None]:
    """Return the price of every paid role; None for a price that is not known."""
    prices: dict[str, Price | None] = {
        BLACK_BOX: price_of(
            settings.blackbox,
            base_url=settings.base_url or usual_address(settings.blackbox),
            input_price=settings.input_price,
            output_price=settings.output_price,
        )
    }
    if text_role(settings) == REWRITER:
        prices[REWRITER] = prices[BLACK_BOX]
    if is_asked(settings.writer):
        prices[WRITER] = _writer_price(settings)
    if settings.judge is not None:
        prices[JUDGE] = price_of(settings.judge, base_url=None, input_price=None, output_price=None)
    return prices


def _writer_price(settings: Settings) -> Price | None:
    """Return the price of a writer that is asked in words; the same model at the same address costs the same."""
    address = writer_address(settings)
    same = settings.writer == settings.blackbox and address == settings.base_url
    given, answers = settings.writer_input_price, settings.writer_output_price
    return price_of(
        settings.writer,
        base_url=address or usual_address(settings.writer),
        input_price=settings.input_price if same and given is None else given,
        output_price=settings.output_price if same and answers is None else answers,
    )
