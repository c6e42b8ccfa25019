"""A preallocated cache of keys and values, which can be filled a few rows at a time.

Notation: n rows, g key-value heads, s sequence length, d head size.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """The keys and values of one layer in buffers for ``rows`` rows of ``room`` positions.

    Adding a token copies this token only. `turn_to` selects the first row for the states that are added next.
    """

    def __init__(self, rows: int, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rows, self._room = rows, room
        self._first = self._length = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Allocate the buffers in the precision and on the device of the states (n, g, s, d)."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self._all_keys, self._all_values = (
            states.new_empty((self._rows, states.shape[1], self._room, states.shape[3]))
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Add states (n, g, s, d), and return all states of these rows."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self._length, self._length + key_states.shape[2]
        last = self._first + len(key_states)
        self._all_keys[self._first : last, :, start:end] = key_states
        self._all_values[self._first : last, :, start:end] = value_states
        self._length = end
        self.keys: Tensor = self._all_keys[self._first : last, :, :end]
        self.values: Tensor = self._all_values[self._first : last, :, :end]
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Return the number of positions in the cache."""
        return self._length

    def turn_to(self, first: int, length: int) -> None:
        """Add the next states to the rows from ``first`` on, after ``length`` positions."""
        self._first, self._length = first, length

    def keep_rows(self, rows: Tensor) -> None:
        """Drop all rows but those with these indices."""
        rows = rows.to(self._all_keys.device)
        self._all_keys, self._all_values = self._all_keys[rows], self._all_values[rows]


class RoomyCache(DynamicCache):
    """The cache of a model for ``rows`` rows of at most ``room`` positions."""

    def __init__(self, model: Any, rows: int, room: int) -> None:
        super().__init__(config=model.config)
        self.roomy = [RoomyLayer(rows, room) for _ in self.layers]
        self.layers = [*self.roomy]

    def turn_to(self, first: int, length: int) -> None:
        """See `RoomyLayer.turn_to`."""
        for layer in self.roomy:
            layer.turn_to(first, length)

    def keep_rows(self, rows: Tensor) -> None:
        """Drop all rows but those with these indices."""
        for layer in self.roomy:
            layer.keep_rows(rows)
