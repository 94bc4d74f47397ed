"""Dagster's web server for the browser of this machine and nobody else's pages in it; `calls-assets dev` starts it.

The UI has no login, and its GraphQL starts runs for a mere link. A browser lets every page that is open in it ask this
machine: from the page's own origin, or as if it were the same one, once the page's name has been made to lead here. A page
can also show the UI in a frame, under something that people are to click.
"""

from typing import Any

from dagster_webserver import cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from calls_assets.loopback import names_loopback

OTHER_NAME = (
    "This UI is reached as 127.0.0.1, localhost or [::1] alone: put a proxy with a login in front for any other name."
)
OTHER_PAGE = "Another web page asks for this: open it in the UI itself."


def refusal(headers: Headers) -> str | None:
    """Why a request is none of the UI's own; None where it is one, or none of a browser's."""
    hosts = headers.getlist("host")
    if not names_loopback(hosts):
        return OTHER_NAME
    is_foreign = headers.get("origin", f"http://{hosts[0]}") != f"http://{hosts[0]}"
    is_followed = (
        headers.get("sec-fetch-dest") == "document"
    )  # a link, as in an alert; a frame's clicks could be stolen
    if is_foreign or (headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_followed):
        return OTHER_PAGE
    return None


class Doorkeeper:
    """Refuses requests and WebSockets that are none of the UI's own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or have the web server answer."""
        why = refusal(Headers(scope=scope)) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            await PlainTextResponse(why, 403)(scope, receive, send)


def main() -> None:
    """Be `dagster-webserver` behind the doorkeeper."""
    build = DagsterWebserver.build_middleware

    def build_ours(server: "DagsterWebserver[Any, Any]") -> list[Middleware]:
        return [Middleware(Doorkeeper), *build(server)]

    # Dagster has no hook for middleware, and its command makes the server by this class.
    DagsterWebserver.build_middleware = build_ours  # type: ignore[assignment,method-assign]
    cli.main()


if __name__ == "__main__":
    main()
