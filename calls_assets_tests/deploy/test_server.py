"""One server, as docs/server.md installs it: systemd takes the units, their commands run, and nginx lets in who may."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from calls_assets.dagster.home import opened
from calls_assets.sandbox import Behaviour, Centre, Sandbox
from calls_assets_tests.deploy.conftest import free_port, program, server
from calls_assets_tests.live import READY_S, Live, until

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = DEPLOY / "systemd"
INSTALLED = "/opt/calls_assets/venv"
SERVICES = ("webserver", "daemon")
FIRST = date(2026, 3, 6)
TERMINATE = "mutation ($run: String!) { terminateRun(runId: $run) { __typename } }"
STRANGER = "https://evil.example"
US = "https://calls.example.com"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # any 16 bytes


def setting(unit, name):
    """The last value of a setting of a unit, where ours stands in place of the installed Python."""
    (*_, value) = re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(encoding="utf-8"), re.MULTILINE)
    return value.replace(INSTALLED, sys.prefix)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="Debian's package systemd is not on this machine")
def test_systemd_takes_the_units_and_finds_them_closed_in(tmp_path):
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    units = [path for path in tmp_path.iterdir() if path.is_file()]
    for unit in units:
        unit.write_text(unit.read_text(encoding="utf-8").replace(INSTALLED, sys.prefix), encoding="utf-8")
    environ = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}  # with those of the machine
    options = ["--recursive-errors=no", *units]
    verified = subprocess.run(
        ["systemd-analyze", "verify", *options], env=environ, capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    for unit in (unit for unit in units if unit.suffix == ".service"):
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", unit]  # of 100
        judged = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout


def shared(folder):
    """What the units set in the environment, with the state in `folder`, whose folders are made as systemd makes them."""
    text = (UNITS / "calls-assets-.service.d/common.conf").read_text(encoding="utf-8")
    (states,) = re.findall(r"^StateDirectory=(.*)$", text, re.MULTILINE)
    for state in states.split():
        (folder / state).mkdir(exist_ok=True)
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", text.replace("/var/lib/", f"{folder}/"), re.MULTILINE))


@contextmanager
def service(name, folder, environ, port=None):
    """The command of a unit as it is, but for its port, in a process group of its own."""
    command = shlex.split(setting(f"calls-assets-{name}.service", "ExecStart"))
    command = [str(port) if word == "3000" else word for word in command]
    log = folder / f"{name}.log"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CALLS_", "DAGSTER_"))}
    private = folder / f"{name}-tmp"  # as PrivateTmp=yes gives it
    private.mkdir()
    kept |= {"TMPDIR": str(private)} | shared(folder)
    with log.open("wb") as told:
        process = subprocess.Popen(
            command, cwd=folder, env=kept | environ, stdout=told, stderr=told, start_new_session=True
        )
    try:
        yield process, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def webserver_at(port, log):
    def answers():
        try:
            return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=5).ok
        except requests.RequestException:
            return False

    until(answers, READY_S, log.read_text)


def launched(servers, days):
    """The id of a run over some days, once the web server has loaded the code."""
    last = FIRST + timedelta(days=days - 1)
    return servers.try_to_launch(str(FIRST), str(last), {}).get("run", {}).get("runId")


@pytest.mark.slow
def test_the_commands_of_the_units_pull_days_end_a_run_and_end_themselves_in_order(tmp_path):
    port, home = free_port(), Path(shared(tmp_path)["DAGSTER_HOME"])
    shutil.copy(DEPLOY.parent / "calls_assets/dagster.yaml", home)
    with opened(home):  # as the first pull does: two services that make its tables at once would break them
        pass
    with Sandbox(Centre(calls_per_day=40), Behaviour(latency_s=0.05)) as api:
        account = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token}
        environ = account | {"CALLS_DATA_URL": str(tmp_path / "data"), "CALLS_PER_WINDOW": "1"}
        with (
            service("daemon", tmp_path, environ) as (daemon, said),
            service("webserver", tmp_path, environ, port) as (webserver, log),
        ):
            webserver_at(port, log)
            servers = Live(home, environ, said, url=f"http://127.0.0.1:{port}")
            run = until(lambda: launched(servers, 2), READY_S, log.read_text)
            assert servers.end_of(run, 120) == "SUCCESS", servers.told(run)
            long = launched(servers, 60)
            until(lambda: servers.status(long) == "STARTED", READY_S, said.read_text)
            assert servers.graphql(TERMINATE, run=long)["terminateRun"]["__typename"] == "TerminateRunSuccess"
            assert servers.end_of(long, 60) == "CANCELED", servers.told(long)
            with opened(home) as instance:  # the socket lies where the web server sees it too
                (asked_at,) = [value for tag, value in instance.get_run_by_id(long).tags.items() if "grpc_info" in tag]
            assert f"{tmp_path}/calls_assets/" in asked_at
            for name, process in (("webserver", webserver), ("daemon", daemon)):
                unit = f"calls-assets-{name}.service"
                process.terminate()  # systemd's default, and what the unit of the daemon says
                assert process.wait(int(setting(unit, "TimeoutStopSec"))) == 0
            assert "Traceback" not in said.read_text() + log.read_text()
    assert len(list(tmp_path.glob("data/service_level/date=*/*.parquet"))) >= 2


@pytest.fixture
def site(tmp_path):
    """nginx with the file of deploy/ before the web server of the unit, over plain http; gives its address."""
    ui, port = free_port(), free_port()
    page = tmp_path / "data/daily_report/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("the days")
    (tmp_path / "data/calls.parquet").touch()
    for who in ("engineers", "managers"):
        (tmp_path / f"calls_{who}").write_text(f"{who}:{{PLAIN}}secret\n")
    ours = (DEPLOY / "nginx/calls-assets.conf").read_text(encoding="utf-8")
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "127.0.0.1:3000": f"127.0.0.1:{ui}",
        "/etc/nginx/": f"{tmp_path}/",
        "/var/lib/calls_assets/data": f"{tmp_path}/data",
    }
    for said, meant in changes.items():
        assert said in ours
        ours = ours.replace(said, meant)
    ours = re.sub(r"^ *ssl_.*\n", "", ours, flags=re.MULTILINE)
    user = "user root;" if os.getuid() == 0 else ""
    conf = tmp_path / "nginx.conf"
    logs = f"error_log {tmp_path}/nginx.log; pid {tmp_path}/nginx.pid; daemon off;"
    conf.write_text(f"{user} {logs} events {{}} http {{ access_log off; {ours} }}")
    with service("webserver", tmp_path, {}, ui) as (_, log):
        webserver_at(ui, log)
        with server([program("nginx"), "-c", str(conf), "-p", str(tmp_path)], port):
            yield f"http://127.0.0.1:{port}"


@pytest.mark.services
def test_nginx_lets_engineers_into_the_ui_and_managers_to_their_pages_alone(site):
    engineers, managers = ("engineers", "secret"), ("managers", "secret")
    ask = {"json": {"query": "{ version }"}, "auth": engineers, "timeout": 60}
    own, foreign = ({"Origin": origin, "Host": "calls.example.com"} for origin in (US, STRANGER))
    assert requests.post(f"{site}/graphql", headers=own, **ask).json()["data"]["version"]
    assert requests.post(f"{site}/graphql", headers=foreign, **ask).status_code == 403
    for path, auth, status in (
        ("/", None, 401),
        ("/", engineers, 200),
        ("/graphql?query={version}", managers, 401),
        ("/daily_report/", None, 401),
        ("/daily_report/", managers, 200),
        ("/daily_report/../calls.parquet", managers, 401),
        ("/daily_report/index.html", engineers, 401),
    ):
        assert requests.get(f"{site}{path}", auth=auth, headers=own, timeout=60).status_code == status, path
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
    socket = {"headers": own | upgrade | {"Sec-WebSocket-Protocol": "graphql-ws"}, "auth": engineers, "timeout": 60}
    with requests.get(f"{site}/graphql", stream=True, **socket) as opened:
        assert opened.status_code == 101
