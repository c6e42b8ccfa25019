"""A preallocated cache of keys and values, which can be filled a few rows at a time.

Notation: n rows, g key-value heads, s sequence length, c columns in the cache, d head size.
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
            # Zeros, because a column that is hidden still takes part in products.
            states.new_zeros((self._rows, states.shape[1], self._room, states.shape[3]))
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

    def begin_with(self, other: RoomyLayer, rows: Tensor) -> None:
        """Copy all columns of these rows of another layer, as the first columns."""
        length = other.get_seq_length()
        self.update(other._all_keys[rows, :, :length], other._all_values[rows, :, :length])

    def keep_rows(self, rows: Tensor) -> None:
        """Drop all rows but those with these indices."""
        rows = rows.to(self._all_keys.device)
        self._all_keys, self._all_values = self._all_keys[rows], self._all_values[rows]


class RoomyCache(DynamicCache):
    """The cache of a model for ``rows`` rows of at most ``room`` columns.

    Parameters
    ----------
    model, rows, room
        The model, and the size of the cache.
    shown
        False for the columns of a row that hold no token, (rows, room): the text has gaps there, which nothing attends
        to and which take no position. None is a cache without gaps.
    """

    def __init__(self, model: Any, rows: int, room: int, shown: Tensor | None = None) -> None:
        super().__init__(config=model.config)
        self.shown = shown
        self._positions = None if shown is None else (shown.cumsum(dim=1) - 1).clamp(min=0)
        self._first = 0
        self.roomy = [RoomyLayer(rows, room) for _ in self.layers]
        self.layers = [*self.roomy]

    def turn_to(self, first: int, length: int) -> None:
        """See `RoomyLayer.turn_to`."""
        self._first = first
        for layer in self.roomy:
            layer.turn_to(first, length)

    def keep_rows(self, rows: Tensor) -> None:
        """Drop all rows but those with these indices."""
        for layer in self.roomy:
            layer.keep_rows(rows)
        if self.shown is not None and self._positions is not None:
            self.shown, self._positions = self.shown[rows], self._positions[rows]

    def begin_with(self, other: RoomyCache, rows: Tensor) -> None:
        """Copy all columns of these rows of another cache, as the first columns."""
        for layer, begun in zip(self.roomy, other.roomy, strict=True):
            layer.begin_with(begun, rows)

    def next_positions(self, rows: int, count: int) -> Tensor | None:
        """Return the positions (rows, count) of the next columns; None if there are no gaps."""
        start = self.get_seq_length()
        return None if self._positions is None else self._rows(self._positions, rows)[:, start : start + count]

    def next_shown(self, rows: int, count: int) -> Tensor | None:
        """Return ``shown`` up to the next columns, (rows, c + count); None if there are no gaps."""
        return None if self.shown is None else self._rows(self.shown, rows)[:, : self.get_seq_length() + count]

    def _rows(self, table: Tensor, rows: int) -> Tensor:
        return table[self._first : self._first + rows]
