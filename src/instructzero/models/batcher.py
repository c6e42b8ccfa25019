"""Group concurrent calls into batches, so that a local model answers many requests in one pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any, Generic, TypeVar

from instructzero.bo.threads import use_all_threads

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Runs a function on batches of items, in one thread, so that the event loop stays responsive.

    Parameters
    ----------
    answer
        Returns the answers to a batch, in order.
    group
        Returns for an item what the items of one batch must share, and the key that items are sorted by, so that
        similar items share a batch.
    batch_size
        The maximum number of items in a batch.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Item]], Sequence[Answer]],
        group: Callable[[Item], tuple[Any, Any]],
        batch_size: int,
    ) -> None:
        self._answer = answer
        self._group = group
        self._batch_size = batch_size
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._drain: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="instructzero-batch", initializer=use_all_threads
        )

    async def submit(self, item: Item) -> Answer:
        """Return the answer to one item after its batch has run."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._run_waiting())
        return await future

    def close(self) -> None:
        """Take no more items, and wait for the running batch."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _run_waiting(self) -> None:
        while await self._gathered():
            wave, self._waiting = self._waiting, []
            for batch in self._batches(wave):
                await self._run(batch)

    async def _gathered(self) -> int:
        """Return the number of waiting items, after all tasks that are ready have submitted theirs."""
        seen = -1
        while seen != len(self._waiting):
            seen = len(self._waiting)
            await asyncio.sleep(0)
        return seen

    def _batches(
        self, wave: list[tuple[Item, asyncio.Future[Answer]]]
    ) -> list[list[tuple[Item, asyncio.Future[Answer]]]]:
        ordered = sorted(wave, key=lambda pair: self._group(pair[0]))
        groups = [list(group) for _, group in groupby(ordered, key=lambda pair: self._group(pair[0])[0])]
        size = self._batch_size
        return [group[start : start + size] for group in groups for start in range(0, len(group), size)]

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        wanted = [(item, future) for item, future in batch if not future.done()]
        if not wanted:
            return
        loop = asyncio.get_running_loop()
        items = [item for item, _ in wanted]
        try:
            answers = await loop.run_in_executor(self._thread, self._answer, items)
        except Exception as error:  # every caller of the batch receives it
            for _, future in wanted:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(wanted, answers, strict=True):
            if not future.done():
                future.set_result(answer)
