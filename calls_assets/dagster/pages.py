"""The pages of `daily_report` over HTTP, read-only, beside Dagster's UI, which serves no files."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from calls_assets.tables.catalog import REPORT
from calls_assets.tables.store import NotRead, TableStore

FOLDER = f"/{REPORT}"
"""Where the pages are served."""

PAGE = re.compile(
    rf"index\.html|date=[0-9-]{{10}}/{REPORT}\.html|week=[0-9]{{4}}-W[0-9]{{2}}/weekly_report\.html"
    r"|month=[0-9]{4}-[0-9]{2}/monthly_report\.html"
)
"""What is served under it, and nothing else."""

MOST_BYTES = 2**24
"""The most of a page."""

HEADERS = {
    "Cache-Control": "no-store",
    # The pages share the UI's origin, and must not act in its name: `sandbox` takes that from them.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """Answers requests for the pages of the tree at `data_url`; passes on all others."""

    def __init__(self, app: ASGIApp, data_url: str) -> None:
        self._app, self._data_url = app, data_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it to the web server."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{FOLDER}/"):
            await self._app(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await PlainTextResponse("Pages can only be read.", 405, HEADERS)(scope, receive, send)
        else:
            answer = await run_in_threadpool(page, self._data_url, scope["path"].removeprefix(f"{FOLDER}/"))
            await answer(scope, receive, send)


def page(data_url: str, name: str) -> Response:
    """The page of a name such as `date=2026-03-10/daily_report.html` in a tree; 404 and a sentence where there is none."""
    if not PAGE.fullmatch(name):
        return PlainTextResponse(f"Only pages are served here: open {FOLDER}/index.html.", 404, HEADERS)
    file = f"{REPORT}/{name}"
    try:
        store = TableStore(data_url)
        html = None if store.is_linked(file) else store.get(file, MOST_BYTES + 1)
    except (NotRead, ValueError) as error:
        return PlainTextResponse(str(error), 404, HEADERS)
    if html is not None and len(html) > MOST_BYTES:
        return PlainTextResponse(f"{file} is larger than a page can be, {MOST_BYTES >> 20} MiB.", 404, HEADERS)
    if html is None:
        return PlainTextResponse(f"{data_url} has no {file}: materialize {REPORT} of its days.", 404, HEADERS)
    return HTMLResponse(html, 200, HEADERS)
