"""The web server of `calls-assets dev` answers its own pages, and what is no browser; no page of anybody else."""

import asyncio

import pytest
from starlette.datastructures import Headers

from calls_assets.dagster.webserver import OTHER_NAME, OTHER_PAGE, Doorkeeper, refusal

HOST = "127.0.0.1:3000"
ORIGIN = f"http://{HOST}"


def asked(**headers):
    return refusal(Headers({name.replace("_", "-"): value for name, value in ({"host": HOST} | headers).items()}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost:3000"},
        {"host": "[::1]:8080", "origin": "http://[::1]:8080"},
        {"origin": ORIGIN, "sec_fetch_site": "same-origin", "sec_fetch_dest": "empty"},
        {"sec_fetch_site": "none", "sec_fetch_dest": "document"},
        {"sec_fetch_site": "cross-site", "sec_fetch_dest": "document"},
        {"sec_fetch_site": "same-origin", "sec_fetch_dest": "iframe"},
    ],
    ids=[
        "no browser",
        "by name",
        "through a tunnel",
        "its own page",
        "typed in",
        "a link that is followed",
        "its own frame",
    ],
)
def test_what_is_answered(headers):
    assert asked(**headers) is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"host": "rebound.example"}, OTHER_NAME),
        ({"host": "rebound.example:3000", "origin": "http://rebound.example:3000"}, OTHER_NAME),
        ({"origin": "https://evil.example"}, OTHER_PAGE),
        ({"origin": "null"}, OTHER_PAGE),
        ({"origin": "http://127.0.0.1:8000"}, OTHER_PAGE),
        ({"origin": "https://evil.example", "sec_fetch_site": "cross-site", "sec_fetch_dest": "document"}, OTHER_PAGE),
        ({"sec_fetch_site": "cross-site", "sec_fetch_dest": "image"}, OTHER_PAGE),
        ({"sec_fetch_site": "same-site", "sec_fetch_dest": "empty"}, OTHER_PAGE),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, OTHER_PAGE),
    ],
    ids=[
        "another name",
        "as its own page",
        "a page",
        "a sandboxed frame",
        "another port",
        "a form",
        "an image",
        "a script",
        "a frame in a page",
    ],
)
def test_what_is_refused(headers, why):
    assert asked(**headers) == why


@pytest.mark.parametrize(
    ("kind", "answer"), [("http", ("http.response.start", 403)), ("websocket", ("websocket.close", None))]
)
def test_what_is_refused_never_reaches_dagster(kind, answer):
    sent = []

    async def dagster(*_):
        pytest.fail("It was reached.")

    async def send(message):
        sent.append((message["type"], message.get("status")))

    asyncio.run(Doorkeeper(dagster)({"type": kind, "headers": [(b"host", b"rebound.example")]}, None, send))
    assert sent[0] == answer


def test_what_is_no_request_is_dagsters():
    reached = []

    async def dagster(scope, *_):
        reached.append(scope["type"])

    asyncio.run(Doorkeeper(dagster)({"type": "lifespan"}, None, None))
    asyncio.run(Doorkeeper(dagster)({"type": "http", "headers": [(b"host", HOST.encode())]}, None, None))
    assert reached == ["lifespan", "http"]
