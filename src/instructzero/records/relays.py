"""Observers that pass every event on: to a function, or to several observers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instructzero.records.observers import Observer

EVENTS = tuple(name for name in vars(Observer) if not name.startswith("_"))
"""The names of the events, which are those of the methods of `Observer`."""

Callback = Callable[[str, Mapping[str, Any]], None]
"""A function that receives the name of an event, and its values by the names of the parameters of the method."""


class Relay(Observer):
    """Passes every event on to a function.

    >>> relay = Relay(lambda event, values: print(event, dict(values)))
    >>> relay.search_stopped("enough")
    search_stopped {'reason': 'enough'}
    """

    def __init__(self, receive: Callback) -> None:
        self._receive = receive


def _relayed(event: str) -> Callable[..., None]:
    """Return the method of `Relay` for an event."""
    signature = inspect.signature(getattr(Observer, event))

    def relay(self: Relay, *values: Any, **named: Any) -> None:
        bound = signature.bind(self, *values, **named).arguments
        self._receive(event, {name: value for name, value in bound.items() if name != "self"})

    return relay


for _event in EVENTS:
    setattr(Relay, _event, _relayed(_event))


def passed_to(observers: Sequence[Observer]) -> Observer:
    """Return an observer that passes every event on to several, in order."""

    def receive(event: str, values: Mapping[str, Any]) -> None:
        for observer in observers:
            getattr(observer, event)(**values)

    return observers[0] if len(observers) == 1 else Relay(receive)
