"""A server that repeats the token in a page."""

import json
from urllib.parse import quote

import pytest

from calls_assets.api.echo import without_token

TOKEN = 'a/conspicuous"token+'


def escaped(text):
    return "".join(f"\\u{ord(sign):04X}" for sign in text)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"calls": [{TOKEN: 1, "type": TOKEN, "tags": [{TOKEN: {TOKEN: TOKEN}}]}]}),
        f'{{"{escaped(TOKEN)}": 1}}',
        f'{{"{escaped(TOKEN[:5])}{json.dumps(TOKEN[5:])[1:-1]}": "{escaped(TOKEN).lower()}"}}',
        json.dumps({"url": f"https://a.example/{quote(TOKEN, safe='')}"}),
        json.dumps(TOKEN).replace("/", "\\/"),
    ],
)
def test_the_token_is_nowhere_in_what_is_read_and_the_json_stays_json(body):
    read = json.dumps(json.loads(without_token(body.encode(), TOKEN)))
    assert "***" in read
    assert [part for part in ("conspicuous", "token") if part in read] == []


@pytest.mark.parametrize("token", ["x", "answered", "12345678", "15550100"])
def test_a_token_that_stands_there_by_chance_breaks_no_page(token):
    body = json.dumps({"calls": [{"id": 15550100, "x": 12345678}]}).encode()
    assert without_token(body, token) == body
