"""The server of `instructzero watch`.

It listens on loopback only, and refuses requests for other host names. Other users of the machine can send requests
there too, so it answers only those with the token of its address, in the query or in the cookie of an earlier answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from instructzero.errors import ConfigurationError
from instructzero.report.html import Html
from instructzero.watch.followed import FollowedRun
from instructzero.watch.pace import Pace
from instructzero.watch.pages import overview_page, overview_progress, progress_line, title, waiting_page

HOST = "127.0.0.1"
"""The address on which the server listens."""

NAMES = (HOST, "localhost", "[::1]")
"""The accepted host names. Any other name could be a page that was pointed here (DNS rebinding)."""

TOKEN = "token"
"""The name of the token in the query of an address."""

PAGES_SHARE, PAGES_CREDIT_S = 0.025, 3.0
"""The processor time for rendering pages. The large credit keeps short runs up to date from second to second."""

READING_SHARE, READING_CREDIT_S = 0.015, 1.0
"""The processor time for reading the journals of the runs."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every response."""

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered page.

    Attributes
    ----------
    content
        The HTML.
    version
        The identity that the browser compares.
    revision
        The revision of the run's files that it shows.
    evaluations
        The number of evaluations that it shows.
    waits
        True if there is no run to show yet.
    """

    content: str
    version: str
    revision: int
    evaluations: int
    waits: bool


class Watch:
    """The runs and their pages. One thread does the slow work, on request and within the processor time allowed.

    Requests need the ``token``; see `Guard`. The pages are ``/1/``, ``/2/`` and so on. ``/`` shows all runs, or leads
    to the only one. ``state`` below a page gives the progress and the version of the page.
    """

    def __init__(self, directories: Sequence[Path], token: str) -> None:
        self._guard = Guard(token)
        self._runs = [FollowedRun(directory) for directory in directories]
        self._pages: dict[int, Page] = {}
        self._outdated: set[int] = set()
        self._name = secrets.token_hex(4)  # distinguishes the versions of successive servers on the same port
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._busy = asyncio.Lock()
        self._making: asyncio.Task[None] | None = None
        self._was_read = False
        self._reading = Pace(share=READING_SHARE, credit_s=READING_CREDIT_S)
        self._rendering = Pace(share=PAGES_SHARE, credit_s=PAGES_CREDIT_S)

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application(middlewares=[self._guard.middleware])
        application.add_routes(
            [
                web.get("/", self._get_overview),
                web.get("/state", self._get_state_of_all),
                web.get(r"/{number:\d{1,6}}/", self._get_page),
                web.get(r"/{number:\d{1,6}}/state", self._get_state),
            ]
        )
        application.on_cleanup.append(self._close)
        return application

    async def _close(self, application: web.Application) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _get_overview(self, request: web.Request) -> web.Response:
        if len(self._runs) == 1:
            raise web.HTTPFound(f"/1/?{request.query_string}" if request.query_string else "/1/")
        await self._read(needed=not self._was_read)
        return _html(overview_page(self._runs)[0])

    async def _get_state_of_all(self, request: web.Request) -> web.Response:
        await self._read()
        return _state(overview_page(self._runs)[1], *overview_progress(self._runs))

    async def _get_page(self, request: web.Request) -> web.Response:
        number = self._number(request)
        await self._read(needed=not self._was_read)
        if self._is_missing(number):
            async with self._busy:
                if self._is_missing(number):
                    await self._make(number)
        return _html(self._pages[number].content)

    async def _get_state(self, request: web.Request) -> web.Response:
        number = self._number(request)
        await self._read()
        self._request_update(number)
        run, page = self._runs[number], self._pages.get(number)
        if page is None:
            return _state("", self._progress(number), title(run))
        return _state(page.version, self._progress(number, page.evaluations), title(run))

    def _progress(self, number: int, shown: int | None = None) -> Html:
        return progress_line(self._runs[number], shown, alone=len(self._runs) == 1)

    def _number(self, request: web.Request) -> int:
        """Return the position of the run that a request is for."""
        number = int(request.match_info["number"]) - 1
        if not 0 <= number < len(self._runs):
            raise web.HTTPNotFound(text="There is no such run.")
        return number

    async def _read(self, *, needed: bool = False) -> None:
        """Read the runs if it is ``needed`` or the processor time allows it."""
        if needed or (not self._busy.locked() and self._reading.is_due()):
            async with self._busy:
                await self._work(self._reading, lambda: [run.refresh() for run in self._runs])
                self._was_read = True

    def _is_missing(self, number: int) -> bool:
        """Return True if a run has no page that is worth showing."""
        page = self._pages.get(number)
        return page is None or (page.waits and self._is_stale(number))

    def _is_stale(self, number: int) -> bool:
        page = self._pages.get(number)
        return page is None or page.revision != self._runs[number].revision

    def _request_update(self, number: int) -> None:
        """Render a newer page in the background if it is outdated and time allows it; the oldest page comes first."""
        if self._is_stale(number):
            self._outdated.add(number)
        if self._outdated and not self._busy.locked() and self._rendering.is_due():
            rendered = list(self._pages)
            oldest = min(self._outdated, key=lambda place: rendered.index(place) if place in rendered else -1)
            self._making = asyncio.create_task(self._make_next(oldest))

    async def _make_next(self, number: int) -> None:
        async with self._busy:
            await self._make(number)

    async def _make(self, number: int) -> None:
        """Render the page of a run again. `_pages` is ordered by the time of rendering."""
        page = await self._work(self._rendering, lambda: self._page(number))
        self._pages.pop(number, None)
        self._pages[number] = page
        self._outdated.discard(number)

    def _page(self, number: int) -> Page:
        run = self._runs[number]
        version = f"{self._name}-{run.revision}"
        if run.progress is not None:
            try:
                content = run.page(version, self._progress(number))
                return Page(content, version, run.revision, run.progress.done, waits=False)
            except Exception as error:  # keep the previous page; the progress line shows the problem
                run.problem = f"The page could not be created: {error} ({type(error).__name__})"
            if number in self._pages:
                return replace(self._pages[number], revision=run.revision)
        return Page(waiting_page(run, version, self._progress(number)), version, run.revision, 0, waits=True)

    async def _work(self, pace: Pace, work: Callable[[], Done]) -> Done:
        """Run ``work`` on the thread, charged to ``pace``. The caller holds `_busy`."""

        def paced() -> Done:
            with pace.working():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, paced)


def _html(content: str) -> web.Response:
    return web.Response(text=content, content_type="text/html")


def _state(version: str, progress: str, title: str) -> web.Response:
    return web.json_response({"version": version, "progress": progress, "title": title})


class Guard:
    """Refuses requests for other host names and those without the ``token``, and adds the headers to the responses."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._cookie = f"instructzero-{secrets.token_hex(4)}"  # a browser sends a host's cookies to all of its ports

    @property
    def middleware(self) -> Middleware:
        """The middleware of an application."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check(request)
            try:
                response = await handler(request)
            except web.HTTPException as other:
                self._finish(other)
                raise
            return self._finish(response)

        return guarded

    def _check(self, request: web.Request) -> None:
        name = re.sub(r":\d*$", "", request.headers.get("Host", ""))
        if name.lower() not in NAMES:
            raise web.HTTPForbidden(text=f"This server only answers requests to {', '.join(NAMES)}.", headers=HEADERS)
        given = request.query.get(TOKEN) or request.cookies.get(self._cookie, "")
        if not secrets.compare_digest(given.encode("utf-8", "surrogatepass"), self._token.encode()):
            raise web.HTTPForbidden(
                text="This page needs the token in the address that 'instructzero watch' printed. Open that address: "
                "it is in the terminal in which the command runs, and new whenever it starts.",
                headers=HEADERS,
            )

    def _finish(self, response: web.StreamResponse) -> web.StreamResponse:
        response.headers.update(HEADERS)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
        return response


async def serve(directories: Sequence[Path], port: int, listening: Callable[[str], None]) -> None:
    """Serve the pages of the runs until cancelled.

    Parameters
    ----------
    directories
        The run directories.
    port
        The port to listen on; 0 chooses a free one.
    listening
        Receives the address of the server, with its token.

    Raises
    ------
    ConfigurationError
        If the port is not available.
    """
    token = secrets.token_urlsafe(24)
    runner = web.AppRunner(
        Watch(directories, token).application(), access_log=None, logger=_silent_logger(), shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        await _listen(runner, port)
        listening(f"http://{HOST}:{runner.addresses[0][1]}/?{TOKEN}={token}")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _silent_logger() -> logging.Logger:
    """Return a logger that writes nothing: any user of the machine could fill the terminal with faulty requests."""
    logger = logging.Logger("instructzero.watch")
    logger.disabled = True
    return logger


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on port {port} of {HOST}: {os.strerror(error.errno or 0)}; choose another --port, or leave "
            "it out for a free one"
        ) from None
