"""The prices of the paid roles of a run."""

from __future__ import annotations

from instructzero.calls.prices import Price, price_of
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER
from instructzero.config import Settings
from instructzero.models.registry import usual_address
from instructzero.optimizers.registry import pays_for_texts


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
    if pays_for_texts(settings):
        prices[REWRITER] = prices[BLACK_BOX]
    if settings.judge is not None:
        prices[JUDGE] = price_of(settings.judge, base_url=None, input_price=None, output_price=None)
    return prices
