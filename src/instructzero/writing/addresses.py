"""The service that a writer behind an API is asked at."""

from __future__ import annotations

from instructzero.config import Settings
from instructzero.models.registry import is_asked, usual_address
from instructzero.models.service import public_url


def writer_address(settings: Settings) -> str | None:
    """Return the address of a writer behind an API; None is the one that its backend takes by default.

    It is that of the setting ``writer_url``. Without this setting, a writer of the same kind as the black box is asked
    at the black box's ``base_url``, because the user named this service.
    """
    return settings.writer_url or (settings.base_url if shares_address(settings) else None)


def shares_address(settings: Settings) -> bool:
    """Return True if a writer behind an API is asked at the address of the black box, because it has none itself."""
    kinds = {spec.partition(":")[0] for spec in (settings.writer, settings.blackbox)}
    return is_asked(settings.writer) and len(kinds) == 1 and not settings.writer_url and settings.base_url is not None


def writer_in_words(settings: Settings) -> str:
    """Return the name and the address of a writer behind an API; "" for any other writer.

    >>> chosen = Settings(task="antonyms", writer="openai:m", blackbox="openai:m", base_url="http://host:8000/v1")
    >>> writer_in_words(chosen)
    'openai:m at http://host:8000/v1, the address of the black box'
    """
    if not is_asked(settings.writer):
        return ""
    address = writer_address(settings) or usual_address(settings.writer)
    place = f" at {public_url(address)}" if address else ""
    return f"{settings.writer}{place}{', the address of the black box' if shares_address(settings) else ''}"
