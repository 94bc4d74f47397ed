"""Which hosts are this machine: a token may reach them over plain http, and only they may be asked for our servers."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def names_loopback(hosts: Iterable[str]) -> bool:
    """Whether values of the header Host name this machine, and nothing else.

    A browser sends the name of the web page's own host, even where DNS rebinding makes that name lead to this machine.
    """
    try:
        named = [urlsplit(f"//{host}").hostname or "" for host in hosts]
    except ValueError:
        return False
    return bool(named) and all(map(is_loopback, named))
