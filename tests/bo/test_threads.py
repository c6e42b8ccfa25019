"""PyTorch's number of threads in several threads of a program."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from instructzero.bo.threads import one_thread, use_all_threads


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_one_thread_holds_within_nested_blocks_only() -> None:
    with one_thread():
        with one_thread():
            pass
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_thread_that_begins_during_a_block_of_another_has_all_threads() -> None:
    with one_thread(), ThreadPoolExecutor(1, initializer=use_all_threads) as thread:
        assert thread.submit(torch.get_num_threads).result() == 3
        assert torch.get_num_threads() == 1
    with ThreadPoolExecutor(1, initializer=use_all_threads) as thread:
        assert thread.submit(torch.get_num_threads).result() == 3


def test_number_that_the_user_has_chosen_is_kept() -> None:
    torch.set_num_threads(1)
    use_all_threads()
    assert torch.get_num_threads() == 1
