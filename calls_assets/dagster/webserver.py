"""Dagster's web server, with the daily pages, protected from other pages in this machine's browser.

The UI has no login, and a mere link can start runs through its GraphQL. A browser lets every open page send requests to this
machine: from the page's own origin, or, after DNS rebinding, as if from the UI's. A page can also show the UI in a frame,
under something that people are lured to click.
"""

from typing import Any

from dagster_webserver import cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from calls_assets.dagster.pages import Pages
from calls_assets.loopback import names_loopback
from calls_assets.settings import Settings

OTHER_NAME = (
    "This UI answers only as 127.0.0.1, localhost or [::1]: for any other name, put a proxy with a login in front."
)
OTHER_PAGE = "This request comes from another web page: open it in the UI itself."


def refusal(headers: Headers) -> str | None:
    """Why a request is refused; None for one from the UI's own pages or from no browser."""
    hosts = headers.getlist("host")
    if not names_loopback(hosts):
        return OTHER_NAME
    is_foreign = headers.get("origin", f"http://{hosts[0]}") != f"http://{hosts[0]}"
    is_followed = (
        headers.get("sec-fetch-dest") == "document"
    )  # a link, as in an alert; clicks in a frame could be hijacked
    if is_foreign or (headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_followed):
        return OTHER_PAGE
    return None


class Doorkeeper:
    """Refuses requests and WebSockets from other pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it to the web server."""
        why = refusal(Headers(scope=scope)) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            await PlainTextResponse(why, 403)(scope, receive, send)


def main() -> None:
    """Run `dagster-webserver` with that protection and with the pages of CALLS_DATA_URL; `calls-assets dev` starts it."""
    build, data_url = DagsterWebserver.build_middleware, Settings.load().data_url

    def build_ours(server: "DagsterWebserver[Any, Any]") -> list[Middleware]:
        return [Middleware(Doorkeeper), Middleware(Pages, data_url), *build(server)]

    # Dagster has no hook for middleware, and its command makes the server by this class.
    DagsterWebserver.build_middleware = build_ours  # type: ignore[assignment,method-assign]  # it has no hook
    cli.main()


if __name__ == "__main__":
    main()
