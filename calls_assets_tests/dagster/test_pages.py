"""The web server gives the pages of the tree, and nothing else of it."""

import asyncio
import os

import pytest

from calls_assets.dagster.pages import Pages, page
from calls_assets.tables.store import TableStore

DAY = "date=2026-03-10/daily_report.html"
NAMES = ["index.html", DAY, "week=2026-W10/weekly_report.html", "month=2026-03/monthly_report.html"]


def answered(root, name):
    answer = page(str(root), name)
    return answer.status_code, answer.body.decode()


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_every_page_is_served_as_it_is(request, tmp_path, kind):
    root = request.getfixturevalue("s3_root") if kind == "s3" else str(tmp_path)
    for name in NAMES:
        TableStore(root).put(f"daily_report/{name}", f"<p>{name}</p>".encode())
    assert [answered(root, name) for name in NAMES] == [(200, f"<p>{name}</p>") for name in NAMES]
    status, sentence = answered(root, DAY.replace("10", "11"))
    assert status == 404
    assert sentence.endswith(
        "has no daily_report/date=2026-03-11/daily_report.html: materialize daily_report of its days."
    )


def test_a_page_can_neither_act_in_the_name_of_the_ui_nor_be_framed_or_kept(tmp_path):
    TableStore(str(tmp_path)).put("daily_report/index.html", b"<p>all</p>")
    headers = page(str(tmp_path), "index.html").headers
    rules = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "sandbox allow-popups"} <= {*rules}
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../_made_with.json",
        "../calls/date=2026-03-10/calls.parquet",
        "date=2026-03-10/../../_made_with.json",
        "date=2026-03-10/calls.parquet",
        "date=2026-03-10/.daily_report.html.1.tmp",
        "date=2026-03-10/daily_report.html\n",
        "/etc/hostname",
        "..%2f_made_with.json",
    ],
)
def test_what_is_no_page_is_not_served(tmp_path, name):
    for file in ("_made_with.json", "calls/date=2026-03-10/calls.parquet", f"daily_report/{DAY}"):
        TableStore(str(tmp_path)).put(file, b"there")
    for file in ("calls.parquet", ".daily_report.html.1.tmp"):
        (tmp_path / "daily_report/date=2026-03-10" / file).write_bytes(b"there")
    assert answered(tmp_path, name) == (404, "Only pages are served here: open /daily_report/index.html.")


@pytest.mark.parametrize("place", ["daily_report", "daily_report/date=2026-03-10", f"daily_report/{DAY}"])
def test_a_link_out_of_the_tree_is_not_followed_but_the_root_may_be_one(tmp_path, place):
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    for root in (tree, outside):
        TableStore(str(root)).put(f"daily_report/{DAY}", b"there")
    (tmp_path / "data").symlink_to(tree)
    assert answered(tmp_path / "data", DAY) == (200, "there")
    (tree / place).rename(tmp_path / "away")
    (tree / place).symlink_to(outside / place)
    assert answered(tmp_path / "data", DAY)[0] == 404


@pytest.mark.parametrize(
    ("make", "told"), [(os.mkdir, "it is a folder"), (os.mkfifo, "it is not a regular file")], ids=["folder", "pipe"]
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, make, told):
    (tmp_path / "daily_report").mkdir()
    make(tmp_path / "daily_report/index.html")
    status, sentence = answered(tmp_path, "index.html")
    assert status == 404
    assert f"{told}: move it away." in sentence


def test_a_page_that_is_too_large_is_not_served_cut(tmp_path):
    (tmp_path / "daily_report").mkdir()
    (tmp_path / "daily_report/index.html").write_bytes(b" " * (2**24 + 1))
    assert answered(tmp_path, "index.html") == (404, "daily_report/index.html is larger than a page can be, 16 MiB.")


def test_a_root_that_is_none_is_one_sentence():
    status, sentence = answered("ftp://somewhere", "index.html")
    assert status == 404
    assert sentence.startswith("CALLS_DATA_URL is a folder or a URL")


def requested(method, path, root, kind="http"):
    """The status that a request gets, or "dagster" where it goes on to the UI."""
    sent = []

    async def dagster(*_):
        sent.append("dagster")

    async def send(message):
        sent.append(message.get("status"))

    scope = {"type": kind, "method": method, "path": path, "headers": []}
    asyncio.run(Pages(dagster, str(root))(scope, None, send))
    return sent[0]


def test_pages_are_read_only_and_every_other_address_is_dagsters(tmp_path):
    TableStore(str(tmp_path)).put("daily_report/index.html", b"there")
    index = "/daily_report/index.html"
    assert [requested(method, index, tmp_path) for method in ("GET", "HEAD", "POST", "DELETE")] == [200, 200, 405, 405]
    assert [requested("GET", path, tmp_path) for path in ("/daily_report", "/daily_report/")] == [404, 404]
    for path in ("/", "/graphql", "/assets/daily_report", "/daily_reports/index.html"):
        assert requested("POST", path, tmp_path) == "dagster"
    assert requested("GET", index, tmp_path, "websocket") == "dagster"
