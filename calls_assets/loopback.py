"""What is this machine, by address or by name: what a token may reach in the clear, and by what our servers may be asked."""

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

    A browser sends a web page's own name, also where the page has made that lead to this machine to have it answer.
    """
    try:
        named = [urlsplit(f"//{host}").hostname or "" for host in hosts]
    except ValueError:
        return False
    return bool(named) and all(map(is_loopback, named))
