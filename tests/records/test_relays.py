"""Relays pass every event of an observer on, also one that is added later."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from instructzero.records.observers import Observer
from instructzero.records.relays import EVENTS, Relay, passed_to


@pytest.mark.parametrize("event", EVENTS)
def test_relay_passes_an_event_on_with_its_values_by_name(event: str) -> None:
    received: list[tuple[str, Mapping[str, Any]]] = []
    names = list(inspect.signature(getattr(Observer, event)).parameters)[1:]
    getattr(Relay(lambda *given: received.append(given)), event)(*range(len(names)))
    assert received == [(event, dict(zip(names, range(len(names)), strict=True)))]


def test_events_are_all_methods_of_the_observer() -> None:
    assert set(EVENTS) == {name for name in dir(Observer) if not name.startswith("_")}


def test_several_observers_receive_an_event_in_order() -> None:
    order: list[str] = []
    relays = [Relay(lambda event, values, name=name: order.append(f"{name} {event}")) for name in "ab"]
    passed_to(relays).warned("text")
    assert order == ["a warned", "b warned"]
    assert passed_to(relays[:1]) is relays[0]
