"""The server of `instructzero watch`: on loopback only, for browsers that were sent to this machine by its own name."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from instructzero.errors import ConfigurationError
from instructzero.report.html import Html
from instructzero.watch.followed import FollowedRun
from instructzero.watch.pace import Pace
from instructzero.watch.pages import overview_page, overview_progress, progress_line, title, waiting_page

HOST = "127.0.0.1"
NAMES = (HOST, "localhost", "[::1]")
"""The names of this machine for itself. A page of another name may have been made to point here (DNS rebinding)."""

PAGES_SHARE, PAGES_CREDIT_S = 0.025, 3.0
"""Of one core, for making pages: much at first, so that a short run is seen from second to second."""

LOOKS_SHARE, LOOKS_CREDIT_S = 0.015, 1.0
"""Of one core, for looking how far the runs are."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Done = TypeVar("Done")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was made: of which ``revision`` of the run's files, and of how many ``evaluations``.

    One that ``waits`` has no run to show yet.
    """

    content: str
    version: str
    revision: int
    evaluations: int
    waits: bool


class Watch:
    """Several runs and their pages. What takes time is done by one thread, when a browser asks and time is left.

    The pages are at ``/1/``, ``/2/`` and so on, and ``/`` shows all runs, or leads to the only one. ``state`` beside a
    page says how far it is, and the version of the page.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        self._runs = [FollowedRun(each) for each in directories]
        self._pages: dict[int, Page] = {}
        self._wanted: set[int] = set()
        self._name = secrets.token_hex(4)  # a page of another server on this port is of another version
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._busy = asyncio.Lock()
        self._making: asyncio.Task[None] | None = None
        self._looked = False
        self._looks = Pace(share=LOOKS_SHARE, credit_s=LOOKS_CREDIT_S)
        self._making_pages = Pace(share=PAGES_SHARE, credit_s=PAGES_CREDIT_S)

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_guarded])
        application.add_routes(
            [
                web.get("/", self._get_overview),
                web.get("/state", self._get_state_of_all),
                web.get(r"/{number:\d+}/", self._get_page),
                web.get(r"/{number:\d+}/state", self._get_state),
            ]
        )
        application.on_cleanup.append(self._close)
        return application

    async def _close(self, application: web.Application) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _get_overview(self, request: web.Request) -> web.Response:
        if len(self._runs) == 1:
            raise web.HTTPFound("/1/")
        await self._look(needed=not self._looked)
        return _html(overview_page(self._runs)[0])

    async def _get_state_of_all(self, request: web.Request) -> web.Response:
        await self._look()
        return _state(overview_page(self._runs)[1], *overview_progress(self._runs))

    async def _get_page(self, request: web.Request) -> web.Response:
        number = self._number(request)
        await self._look(needed=not self._looked)
        if self._is_missing(number):
            async with self._busy:
                if self._is_missing(number):
                    await self._make(number)
        return _html(self._pages[number].content)

    async def _get_state(self, request: web.Request) -> web.Response:
        number = self._number(request)
        await self._look()
        self._want(number)
        run, page = self._runs[number], self._pages.get(number)
        if page is None:
            return _state("", self._progress(number), title(run))
        return _state(page.version, self._progress(number, page.evaluations), title(run))

    def _progress(self, number: int, shown: int | None = None) -> Html:
        return progress_line(self._runs[number], shown, alone=len(self._runs) == 1)

    def _number(self, request: web.Request) -> int:
        """The position of the run that a request is for."""
        number = int(request.match_info["number"]) - 1
        if not 0 <= number < len(self._runs):
            raise web.HTTPNotFound(text="There is no such run here.")
        return number

    async def _look(self, *, needed: bool = False) -> None:
        """See how far the runs are, if it is ``needed`` or there is time for it."""
        if needed or (not self._busy.locked() and self._looks.is_due()):
            async with self._busy:
                await self._work(self._looks, lambda: [run.refresh() for run in self._runs])
                self._looked = True

    def _is_missing(self, number: int) -> bool:
        """Whether there is nothing to show that is worth showing."""
        page = self._pages.get(number)
        return page is None or (page.waits and self._is_stale(number))

    def _is_stale(self, number: int) -> bool:
        page = self._pages.get(number)
        return page is None or page.revision != self._runs[number].revision

    def _want(self, number: int) -> None:
        """Have a newer page made in the background, when there are news and time; of several, the oldest first."""
        if self._is_stale(number):
            self._wanted.add(number)
        if self._wanted and not self._busy.locked() and self._making_pages.is_due():
            oldest = min(self._wanted, key=lambda each: list(self._pages).index(each) if each in self._pages else -1)
            self._making = asyncio.create_task(self._make_next(oldest))

    async def _make_next(self, number: int) -> None:
        async with self._busy:
            await self._make(number)

    async def _make(self, number: int) -> None:
        """Make the page of a run anew; `_pages` is in the order in which pages were made."""
        page = await self._work(self._making_pages, lambda: self._page(number))
        self._pages.pop(number, None)
        self._pages[number] = page
        self._wanted.discard(number)

    def _page(self, number: int) -> Page:
        run = self._runs[number]
        version = f"{self._name}-{run.revision}"
        if run.progress is not None:
            try:
                content = run.page(version, self._progress(number))
                return Page(content, version, run.revision, run.progress.done, waits=False)
            except Exception as error:  # what the page showed before is better than nothing
                run.problem = f"The page could not be made: {error} ({type(error).__name__})"
            if number in self._pages:
                return replace(self._pages[number], revision=run.revision)
        return Page(waiting_page(run, version, self._progress(number)), version, run.revision, 0, waits=True)

    async def _work(self, pace: Pace, work: Callable[[], Done]) -> Done:
        """Done by the thread, at the expense of ``pace``; `_busy` is held meanwhile."""

        def paced() -> Done:
            with pace.working():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, paced)


def _html(content: str) -> web.Response:
    return web.Response(text=content, content_type="text/html")


def _state(version: str, progress: str, title: str) -> web.Response:
    return web.json_response({"version": version, "progress": progress, "title": title})


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests that a page of another name has sent here."""
    name = re.sub(r":\d*$", "", request.headers.get("Host", ""))
    if name.lower() not in NAMES:
        raise web.HTTPForbidden(text=f"This server answers at the names {', '.join(NAMES)} only.")
    response = await handler(request)
    response.headers.update(HEADERS)
    return response


async def serve(directories: Sequence[Path], port: int, listening: Callable[[str], None]) -> None:
    """Answer on ``port`` (0: any free one) until cancelled; ``listening`` hears the address.

    Raises `ConfigurationError` where the port cannot be had.
    """
    runner = web.AppRunner(Watch(directories).application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await _listen(runner, port)
        listening(f"http://{HOST}:{runner.addresses[0][1]}/")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on port {port} of {HOST}: {os.strerror(error.errno or 0)}; choose another --port, or leave "
            "it out for a free one"
        ) from None
