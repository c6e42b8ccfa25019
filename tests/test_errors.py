"""The warnings of other libraries are ignored in a block, and afterwards as before."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from instructzero.errors import ignoring_warnings


def test_only_matching_warnings_are_ignored() -> None:
    with ignoring_warnings("Glyph .* missing"):
        warnings.warn("Glyph 1 missing from font", UserWarning, stacklevel=1)
        with pytest.raises(UserWarning, match="another"):
            warnings.warn("another", UserWarning, stacklevel=1)


def test_threads_that_ignore_warnings_at_once_restore_the_filters() -> None:
    barrier = Barrier(4)

    def ignore(_: int) -> None:
        barrier.wait(10)
        for _ in range(100):
            with ignoring_warnings():
                warnings.warn("ignored", UserWarning, stacklevel=1)

    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ignore, range(4)))
    assert warnings.filters == before
