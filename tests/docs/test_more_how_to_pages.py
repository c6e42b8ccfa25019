"""Pages of the documentation run from top to bottom (see `tests.docs.running`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.docs.pages import GROUPS


@pytest.mark.parametrize("page", GROUPS["more-how-to"])
def test_every_block_of_a_page_runs(run: Callable[[str], None], page: str) -> None:
    run(page)
