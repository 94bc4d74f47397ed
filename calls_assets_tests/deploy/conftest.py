"""Real servers on loopback: PostgreSQL and Redis from this machine's packages, stopped by the session that started them."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program(name: str) -> str:
    """A server's program; Debian keeps PostgreSQL's beside the path, and nginx where only root looks."""
    places = [
        os.environ["PATH"],
        "/usr/sbin",
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    ]
    found = shutil.which(name, path=os.pathsep.join(places))
    assert found, f"{name} is not on this machine: install Debian's postgresql, redis-server and nginx-light."
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(command: list[str], port: int, user: str | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_open(port), f"{command[0]} to answer")
        yield
    finally:
        process.terminate()
        process.wait(30)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(is_so: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"Waited {seconds:g} s for {what}."
        time.sleep(0.1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty database. PostgreSQL refuses to run as root, so that root lends it another user."""
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, user)
        data, port = f"{folder}/data", free_port()
        made = subprocess.run(
            [program("initdb"), "-D", data, "-U", "dagster", "--auth=trust"],
            user=user,
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr.decode()
        options = ["-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "fsync=off"]
        with server([program("postgres"), "-D", data, *options], port, user):
            yield f"postgresql://dagster@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """The URL of an empty Redis."""
    port = free_port()
    with server([program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""], port):
        yield f"redis://127.0.0.1:{port}/0"
