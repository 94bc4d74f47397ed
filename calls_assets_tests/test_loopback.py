"""This machine is known by its addresses and its one name, and by nothing that only leads to it."""

import pytest

from calls_assets.loopback import names_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:3000", "127.8.0.1", "localhost", "LOCALHOST:80", "[::1]", "[::1]:3000"]
)
def test_a_host_that_is_this_machine(host):
    assert names_loopback([host])


@pytest.mark.parametrize(
    "host",
    [
        *("", ":3000", "evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("127.0.0.1@evil.example", "192.168.0.1", "0.0.0.0", "[::]", "[::1", "::1]", "2130706433", "localhost.", "\0"),
    ],
)
def test_a_host_that_is_another(host):
    assert not names_loopback([host])
    assert not names_loopback(["127.0.0.1", host])


def test_a_host_that_is_not_named():
    assert not names_loopback([])
