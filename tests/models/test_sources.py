"""Loading in several threads leaves the settings of the process as they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import transformers
from huggingface_hub.utils import logging as hub_logging

from instructzero.models.sources import loading


def test_threads_that_load_at_once_restore_the_verbosity_and_the_progress_bars() -> None:
    inside, barrier = [], Barrier(4)

    def settings() -> tuple[object, ...]:
        logging = transformers.utils.logging
        return logging.get_verbosity(), hub_logging.get_verbosity(), logging.is_progress_bar_enabled()

    def load(_: int) -> None:
        barrier.wait(10)
        for _ in range(50):
            with loading("folder"), loading("file in it"):
                inside.append(settings()[2])

    before = settings()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(load, range(4)))
    assert settings() == before
    assert inside == [False] * 200
