"""The pages made again from the command line: the same bytes, where they lie, and one sentence where that cannot be."""

import re
import shlex
import shutil
import webbrowser
from datetime import date
from html import unescape

import pytest

from calls_assets.commands.cli import main
from calls_assets.tables.catalog import CALLS
from calls_assets.tables.store import TableStore


@pytest.fixture
def tree(reported, tmp_path, monkeypatch):
    """A tree with pages in an empty folder, which is where the command is called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLS_DATA_URL", "mine")
    return shutil.copytree(reported, tmp_path / "mine")


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked for."""
    found = []
    monkeypatch.setattr(webbrowser, "open", lambda address: found.append(address) or True)
    return found


def pages(tree):
    return {path.relative_to(tree): path.read_bytes() for path in (tree / "daily_report").rglob("*.html")}


def test_the_pages_are_those_of_the_run_and_the_last_ones_path_is_printed(tree, opened, capsys):
    written = pages(tree)
    shutil.rmtree(tree / "daily_report")
    main(["report"])
    assert pages(tree) == written
    assert capsys.readouterr().out.split() == [
        *("All", "days:", "mine/daily_report/index.html"),
        *("The", "last", "one:", "mine/daily_report/date=2026-03-10/daily_report.html"),
    ]
    assert opened == []


def test_the_commands_on_a_page_list_whom_it_counts(tree, capsys):
    html = (tree / "daily_report/date=2026-03-09/daily_report.html").read_text()
    told = re.findall(r"<strong>(\d+)\b.*?<code>(.*?)</code>", html)
    assert len(told) == 2
    for count, command in told:
        program, *arguments = shlex.split(unescape(command))
        assert program == "calls-assets"
        main([*arguments, "--csv"])
        assert len(capsys.readouterr().out.splitlines()) == 1 + int(count)


def test_the_last_day_of_the_range_is_opened_in_the_browser(tree, opened):
    main(["report", "--from", "2026-03-04", "--to", "2026-03-05", "--open"])
    assert opened == [(tree / "daily_report/date=2026-03-05/daily_report.html").as_uri()]


def test_a_day_that_is_broken_is_told_of_and_the_others_are_made(tree, capsys):
    path = TableStore(str(tree)).path(CALLS, date(2026, 3, 10))
    path.write_bytes(b"")
    main(["report", "--from", "2026-03-09"])
    told = capsys.readouterr()
    assert "no page of 2026-03-10: " in told.err
    assert "date=2026-03-09/daily_report.html" in told.out


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (
            ["--from", "2027-01-01"],
            {},
            "mine has no day from 2027-01-01 that a page can be made of: check CALLS_DATA_URL",
        ),
        ([], {"CALLS_DATA_URL": "nowhere"}, "nowhere has no day that a page can be made of"),
        (
            ["--open"],
            {"CALLS_DATA_URL": "s3://calls/x"},
            "--open needs a tree on this machine, and s3://calls/x is not",
        ),
        ([], {"CALLS_TARGET_SERVICE_LEVEL": "lots"}, "CALLS_TARGET_SERVICE_LEVEL is a share"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tree, monkeypatch, arguments, settings, sentence):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["report", *arguments])
    assert sentence in ended.value.code


def test_a_machine_without_a_browser_is_told_of(tree, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    with pytest.raises(SystemExit) as ended:
        main(["report", "--from", "2026-03-10", "--open"])
    assert "No browser could be started here" in ended.value.code
