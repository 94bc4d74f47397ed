"""The commands as a person runs them: in a process of their own where that is what can go wrong, else in this one."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import requests

from calls_assets.__main__ import STOPPED, UNWINDS_IN_S
from calls_assets.commands.cli import COMMANDS as NAMES
from calls_assets.commands.cli import cli, main
from calls_assets.dagster.recompute import COMPUTED
from calls_assets.definitions import defs
from calls_assets.sandbox import Centre, FixedCalls, Sandbox
from calls_assets.tables.made_with import MEMORY
from calls_assets_tests.live import READY_S, STOP_S, until

COMMANDS = Path(sys.executable).parent
ASSETS = {spec.key for asset in defs.assets for spec in asset.specs}
DAYS = "2026-03-06...2026-03-08"


def environment(**settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
    return kept | {"COLUMNS": "100"} | settings


@pytest.fixture
def run(tmp_path):
    """Runs a command in an empty folder, with nothing set but the given variables."""

    def run(*command, **settings):
        path, *arguments = command
        return subprocess.run(
            [COMMANDS / path, *arguments],
            cwd=tmp_path,
            env=environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs a command as `run` does, without a process of its own, which takes seconds to load."""

    def call(*arguments, **settings):
        monkeypatch.chdir(tmp_path)
        before, status = dict(os.environ), 0
        try:
            os.environ.clear()
            os.environ.update(environment(**settings))
            main(arguments)
        except SystemExit as ended:
            told = ended.code if isinstance(ended.code, str) else ""
            status = 1 if told else ended.code
        else:
            told = ""
        finally:
            os.environ.clear()
            os.environ.update(before)
        shown = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, shown.out, f"{shown.err}{told}\n" if told else shown.err)

    return call


@pytest.fixture(scope="module")
def api():
    with Sandbox(Centre(calls_per_day=40)) as api:
        yield api


def materialize(run, days=DAYS, **settings):
    return run(
        *("dagster", "asset", "materialize", "-m", "calls_assets.definitions", "--select", "*"),
        *("--partition-range" if "..." in days else "--partition", days),
        **settings,
    )


def test_the_demo_prints_the_answers_and_keeps_to_its_own_tree(call, monkeypatch, tmp_path):
    """Of fewer days than anybody gets."""
    monkeypatch.setattr("calls_assets.commands.demo.DEMO_DAYS", 4)
    monkeypatch.setattr("calls_assets.commands.demo.LISTED_DAYS", 3)
    shown = call("demo", CALLS_DATA_URL=str(tmp_path / "mine"))
    assert shown.returncode == 0, shown.stderr
    assert "In 4 days the service level was " in shown.stdout
    assert f"{len(ASSETS) * 4}/{len(ASSETS) * 4} daily files" in shown.stdout
    assert "1 earlier day is left out: calls-assets sql has them." in shown.stdout
    assert len(re.findall(r"^ +(Mon|Tue|Wed|Thu|Fri|Sat|Sun) .* h *$", shown.stdout, re.MULTILINE)) == 3
    for name in ("service_level/date=*/service_level.parquet", "daily_report/date=*/daily_report.html"):
        assert len(list(tmp_path.glob(f".calls_assets/sandbox/data/{name}"))) == 4
    assert [path.name for path in tmp_path.iterdir()] == [".calls_assets"]
    assert ".calls_assets/sandbox/data, 20" in shell(shown.stdout.splitlines()[-1], tmp_path).stdout


@pytest.mark.slow
def test_the_demo_in_another_zone_has_another_tree(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("calls_assets.commands.demo.DEMO_DAYS", 1)
    for name in ("CALLS_API_URL", "CALLS_API_TOKEN"):
        monkeypatch.setenv(name, "")  # which the demo sets
    for zone, tree in (("UTC", "data"), ("America/New_York", "data_America_New_York")):
        monkeypatch.setenv("CALLS_TIMEZONE", zone)
        main(["demo"])
        *_, last = capsys.readouterr().out.splitlines()
        assert re.fullmatch(rf"CALLS_DATA_URL=\.calls_assets/sandbox/{tree} \S*calls-assets sql", last)
        memory = json.loads(Path(".calls_assets/sandbox", tree, MEMORY).read_text())
        assert memory["CALLS_TIMEZONE"] == zone


@pytest.mark.parametrize("days", [pytest.param(DAYS, marks=pytest.mark.slow), "2026-03-06"])
def test_dagsters_own_command_materializes_a_day_or_a_range(run, api, tmp_path, days):
    done = materialize(run, days, CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("data/agent_talk_time/date=*/*.parquet"))) == (3 if "..." in days else 1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"CALLS_API_TOKEN": "a-conspicuous-secret"}, "refused the token (401): set CALLS_API_TOKEN"),
        ({"CALLS_TIMEZONE": "Mars/Olympus"}, "'Mars/Olympus' was given"),
        *(
            pytest.param(settings, sentence, marks=pytest.mark.slow)
            for settings, sentence in (
                ({"CALLS_API_URL": ""}, "CALLS_API_URL is not set"),
                ({"CALLS_API_TOKEN": ""}, "CALLS_API_TOKEN is not set"),
                ({"CALLS_API_URL": "ftp://host"}, "'ftp://host' was given"),
                ({"CALLS_START_DATE": "tomorrow"}, "'tomorrow' was given"),
                ({"CALLS_DATA_URL": "nonsense://x"}, "'nonsense://x' was given"),
            )
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_a_wrong_setting_ends_in_its_sentence_and_touches_no_file(run, api, tmp_path, settings, sentence):
    given = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token} | settings
    done = materialize(run, "2026-03-06", **given)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    assert sentence in told
    assert "Traceback" not in told
    assert "Stack Trace" not in told
    assert "a-conspicuous-secret" not in told
    assert list(tmp_path.rglob("*.parquet")) == []


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["demo"], {"CALLS_TIMEZONE": "Mars/Olympus"}, "CALLS_TIMEZONE is an IANA time zone"),
        (["doctor"], {"CALLS_TIMEZONE": "Nowhere"}, "CALLS_TIMEZONE is an IANA time zone"),
        (["run", "--from", "2026-03-06"], {"CALLS_TIMEZONE": "Nowhere"}, "CALLS_TIMEZONE is an IANA time zone"),
        (["sandbox", "--zone", "Mars/Olympus"], {}, "'Mars/Olympus' is not an IANA time zone"),
        (["sandbox", "--port", "99999"], {}, "'99999' is not a port"),
        (["sandbox", "--calls-per-day", "-1"], {}, "'-1' is not a number of calls"),
        (["sandbox", "--page-cap", "0"], {}, "'0' is not a number of rows"),
        (["sandbox", "--dialect", "strings+klingon"], {}, "'klingon' is not a dialect; there are undocumented, "),
        (["sandbox", "--refuse-types", "abandoned,all"], {}, "'all' is not a call type; there are all_inbound, "),
        (["sandbox", "--fast", "--dialect", "iso_times"], {}, "Repeated calls cannot be written in iso_times"),
        (["sandbox", "--fast", "--duplicates", "5"], {}, "leave out --order and --duplicates"),
        (["sandbox", "--replay", sys.executable], {}, "Line 1 is not a call to replay"),
        (["sandbox", "--replay", "no-such-file"], {}, "No such file or directory: 'no-such-file'"),
        ([], {}, "COMMAND"),
    ],
)
def test_a_wrong_argument_is_named_without_a_traceback(call, arguments, settings, sentence):
    done = call(*arguments, **settings)
    assert done.returncode != 0
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_run_materializes_a_range_that_sql_then_answers_from_and_the_ui_knows_of(run, call, api, tmp_path):
    account = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token}
    done = run("calls-assets", "run", "--from", "2026-03-06", "--to", "2026-03-08", **account)
    assert done.returncode == 0, done.stderr
    assert "In 3 days the service level was " in done.stdout
    assert f"{len(ASSETS) * 3}/{len(ASSETS) * 3} daily files" in done.stdout
    assert done.stderr == ""
    asked = run("calls-assets", "sql", "--csv", "SELECT count(*) AS calls, count(DISTINCT local_date) FROM calls")
    assert asked.stdout.splitlines()[1].endswith(",3")
    assert call("sql", "SELECT 42 AS answer").stdout.count("42") == 1
    assert "2026-03-06 to 2026-03-08" in call("sql").stdout
    assert "share from 0 to 1" in call("sql", "service_level").stdout
    evidence = call("evidence", "--from", "2026-03-06", "--to", "2026-03-08").stdout
    assert "calls of 3 days from 2026-03-06 to 2026-03-08" in evidence
    assert "warm_transfer in transfer" in evidence
    weeks = call("sql", "--csv", "SELECT local_date, days FROM weekly.day_status").stdout
    assert weeks.splitlines()[1:] == ["2026-03-02,3"]
    with dg.DagsterInstance.from_config(str(tmp_path / ".calls_assets/dagster")) as instance:
        assert [record.status for record in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS]
        (newest,) = instance.fetch_materializations(dg.AssetKey("daily_report"), limit=1).records
        link = newest.asset_materialization.metadata["page"].value
        assert link == f"/daily_report/date={newest.partition_key}/daily_report.html"


def test_run_computes_days_again_under_other_settings_without_asking_the_api(call, api):
    statuses = ("sql", "--csv", "SELECT DISTINCT wait_status FROM service_level WHERE dimension = 'total'")
    account = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token}
    assert call("run", "--from", "2026-03-06", **account).returncode == 0
    assert call(*statuses).stdout.splitlines()[1:] == ["unknown"]
    asked = len(api.requests)
    again = call("run", "--computed", "--from", "2026-03-06", CALLS_API_URL="", CALLS_WAIT="leg_start")
    assert again.returncode == 0, again.stderr
    assert f"{len(COMPUTED)}/{len(COMPUTED)} daily files" in again.stdout
    (status,) = call(*statuses).stdout.splitlines()[1:]
    assert status in ("verified", "contradicted")
    assert len(api.requests) == asked


@pytest.mark.slow
def test_run_reads_the_settings_of_a_env_file_and_tells_of_checks_that_failed(run, make_call, tmp_path):
    strange = make_call(1, 1_772_800_000, surprise="a field that the document does not name")
    with Sandbox(FixedCalls([(strange, {"all_inbound"})])) as api:
        (tmp_path / ".env").write_text(f"CALLS_API_URL={api.url}\nCALLS_API_TOKEN={api.token}\nCALLS_DATA_URL=mine\n")
        done = run("calls-assets", "run", "--from", "2026-03-06")
    assert done.returncode == 0, done.stderr
    assert "Check failed: raw_calls.as_documented of 2026-03-06: " in done.stdout
    assert (tmp_path / "mine/calls/date=2026-03-06/calls.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["run", "--from", "2026-03-06"], {"CALLS_API_TOKEN": "wrong"}, "refused the token (401): set CALLS_API_TOKEN"),
        (["run", "--from", "2026-03-06"], {"CALLS_API_URL": ""}, "CALLS_API_URL is not set"),
        (["run", "--from", "2026-03-06"], {"CALLS_TIMEZONE": "Mars"}, "CALLS_TIMEZONE is an IANA time zone"),
        (["run", "--from", "2999-01-01"], {}, "to today, "),
        (["run", "--from", "yesterday"], {}, "'yesterday' is not a day such as 2026-11-01"),
        (["sql", "SELECT 1"], {}, "No table has a file at all in data: check CALLS_DATA_URL"),
        (["evidence"], {}, "No table has a file from "),
    ],
)
def test_what_run_and_sql_cannot_do_is_one_sentence(call, api, arguments, settings, sentence):
    done = call(*arguments, **{"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token} | settings)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


ACCOUNT = {"CALLS_API_URL": "http://127.0.0.1:9/api/v1", "CALLS_API_TOKEN": "x"}  # nobody answers there
RUN, DEV = ["run", "--from", "2026-03-06"], ["dev", "--port", "0"]


@pytest.mark.parametrize(
    ("command", "account"),
    [
        (["demo"], {}),
        (RUN, ACCOUNT),
        *(pytest.param(DEV, account, marks=pytest.mark.slow) for account in ({}, ACCOUNT)),
    ],
)
def test_a_folder_that_cannot_be_written_to_is_named_with_what_to_do(call, tmp_path, command, account):
    (tmp_path / ".calls_assets").touch()  # a file, where root too could make no folder
    done = call(*command, **account)
    assert done.returncode == 1
    assert "calls-assets: .calls_assets/" in done.stderr
    assert "start it in a folder that you may write to" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [pytest.param(DEV, marks=pytest.mark.slow), RUN])
@pytest.mark.parametrize("home", ["relative", "/no/such/folder", sys.executable, "/proc"])
def test_a_home_of_dagster_that_cannot_be_used_is_named_with_its_variable(call, tmp_path, command, home):
    done = call(*command, **ACCOUNT, DAGSTER_HOME=home)
    assert done.returncode == 1
    assert done.stderr.startswith("calls-assets: DAGSTER_HOME is ")
    assert f" {home} was given" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_where_dagster_has_a_home_the_commands_make_none(run, api, tmp_path):
    (tmp_path / "home").mkdir()
    account = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token}
    done = run("calls-assets", *RUN, **account, DAGSTER_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"home", "data"}


@pytest.fixture(scope="module")
def pulled(api, run_pipeline, tmp_path_factory):
    """The root of a tree of one day, which nobody may change."""
    root, day = tmp_path_factory.mktemp("pulled"), date(2026, 3, 7)
    assert run_pipeline(api, root, day, day).success
    return root


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT x FROM calls", 'Referenced column "x" not found'),
        ("FROM '/etc/hosts.csv'", "The query may read only the tables: if you trust it, give --allow-files"),
        ("nope", "There is no table 'nope': the tables are raw_calls, "),
        (" ", "There is no table ' ': the tables are raw_calls, "),
    ],
)
def test_a_query_that_is_none_is_one_sentence(call, pulled, query, sentence):
    done = call("sql", query, CALLS_DATA_URL=str(pulled))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_query_may_read_files_where_that_is_allowed(call, pulled, tmp_path):
    (tmp_path / "own.csv").write_text("own\n7\n")
    query = "SELECT own, count(call_id) > 0 AS any FROM 'own.csv', calls GROUP BY own"
    done = call("sql", "--allow-files", "--csv", query, CALLS_DATA_URL=str(pulled))
    assert done.stdout == "own,any\n7,true\n"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_query_that_is_stopped_while_it_computes_ends_at_once_and_leaves_nothing_on_disk(pulled, tmp_path, stop):
    query = "SELECT sum(a.range * b.range) FROM range(10_000_000) a, range(1_000_000) b"
    given = environment(CALLS_DATA_URL=str(pulled), TMPDIR=str(tmp_path))
    with subprocess.Popen([COMMANDS / "calls-assets", "sql", query], env=given, stderr=subprocess.PIPE) as process:
        try:
            while not list(tmp_path.iterdir()):
                time.sleep(0.1)
            time.sleep(1)
            process.send_signal(stop)
            _, told = process.communicate(timeout=UNWINDS_IN_S - 1)
        finally:
            process.kill()
    assert (process.returncode, told.decode()) == (128 + stop, STOPPED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_query_that_is_stopped_leaves_nothing_on_disk(pulled, tmp_path, stop):
    query = "SELECT * FROM range(1_000_000_000_000)"
    given = environment(CALLS_DATA_URL=str(pulled), TMPDIR=str(tmp_path))
    command = [COMMANDS / "calls-assets", "sql", "--csv", query]
    with subprocess.Popen(command, cwd=tmp_path, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"range\n"
            assert list(tmp_path.iterdir())
            process.send_signal(stop)
            process.communicate(timeout=STOP_S)
        finally:
            process.kill()
    assert process.returncode not in (0, -signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def shell(line, folder, **settings):
    """What a line of the shell prints, with the commands at hand."""
    given = environment(PATH=f"{COMMANDS}:{os.environ['PATH']}", **settings)
    return subprocess.run(["bash", "-c", line], cwd=folder, env=given, capture_output=True, text=True, check=False)


def test_csv_goes_to_the_end_of_what_is_there_and_stops_when_nobody_reads_on(pulled, tmp_path):
    data = {"CALLS_DATA_URL": str(pulled)}
    shell("(echo before; calls-assets sql --csv 'SELECT 42 AS answer'; echo after) > all.csv", tmp_path, **data)
    assert (tmp_path / "all.csv").read_text().split() == ["before", "answer", "42", "after"]
    cut = shell("set -o pipefail; calls-assets sql --csv 'SELECT * FROM range(1000000)' | head -2", tmp_path, **data)
    assert (cut.returncode, cut.stdout, cut.stderr) == (0, "range\n0\n", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"CALLS_OWNERS=Jos\xe9\n", ".env could not be read as UTF-8 text"),
        (b"CALLS_TIMEZONE=UTC\nCALLS_DATA_URL='it's'\n", "is not NAME=value: correct or remove it"),
    ],
)
def test_an_env_file_that_cannot_be_read_is_named(call, tmp_path, content, sentence):
    (tmp_path / ".env").write_bytes(content)
    done = call("sql")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_variable_of_the_environment_leaves_the_file_its_say(call, pulled, tmp_path):
    (tmp_path / ".env").write_text(f"\ufeffCALLS_DATA_URL={pulled}\r\n")
    assert "2026-03-07 to 2026-03-07" in call("sql", CALLS_DATA_URL="").stdout


@pytest.mark.parametrize("command", ["sandbox", "dev"])
def test_a_port_that_is_taken_is_named(run, api, command):
    port = api.url.split(":")[2].split("/")[0]
    done = run("calls-assets", command, "--port", port)
    assert done.returncode != 0
    assert done.stderr.startswith("calls-assets: ")
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_dev_says_what_it_lacks_on_a_server(call, monkeypatch, tmp_path):
    monkeypatch.setattr("calls_assets.commands.dev.find_spec", lambda name: None)
    done = call("dev", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("calls-assets: dev needs the package dagster-dg-cli")
    assert list(tmp_path.iterdir()) == []


def ask_sandbox(process, **query):
    """Asks a sandbox that prints its settings; gives the answer."""
    url, token, *_ = (word.partition("=")[2] for word in process.stdout.readline().split())
    query |= {"dateFrom": "2026-03-02", "dateTo": "2026-03-04", "limit": "1000"}
    return [
        requests.get(f"{url}/calls/", query | more, headers={"Access-Token": token}, timeout=30)
        for more in ({}, {"callType": "abandoned"}, {"dateFrom": "1990-01-01", "dateTo": "1990-01-02"})
    ]


def test_the_sandbox_alone_serves_with_the_settings_it_prints_until_it_is_stopped(tmp_path):
    command = [COMMANDS / "calls-assets", "sandbox", "--port", "0", "--page-cap", "5", "--calls-per-day", "50"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            page = ask_sandbox(process)[0].json()
            assert (len(page["calls"]), page["meta"]["limit"]) == (5, 5)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()


def ignoring_ctrl_c(*command):
    """The command as a script starts it in the background: whatever is started so ignores SIGINT from its birth on."""
    return ["sh", "-c", 'trap "" INT; exec "$0" "$@"', *command]


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ([], "CALLS_WAIT=none"),
        (["--sla-clock", "call"], "CALLS_WAIT=duration_less_talk CALLS_SLA_SECONDS=20"),
    ],
)
def test_the_sandbox_prints_how_its_waits_are_told(tmp_path, options, waits):
    command = [COMMANDS / "calls-assets", "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert waits == " ".join(process.stdout.readline().partition("  ")[0].split()[2:])
        finally:
            process.kill()


def test_a_sandbox_in_the_background_of_a_script_stops_when_it_is_told_to(tmp_path):
    for stop in (signal.SIGTERM, signal.SIGINT):
        command = ignoring_ctrl_c(COMMANDS / "calls-assets", "sandbox", "--port", "0", "--calls-per-day", "50")
        with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout.readline().startswith("CALLS_API_URL=")
                process.send_signal(stop)
                assert process.wait(timeout=10) == 0
            finally:
                process.kill()


@pytest.fixture
def dev(tmp_path):
    """`calls-assets dev` in a group of processes of its own, once its UI answers; gives it with its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log, command = tmp_path / "dev.log", [COMMANDS / "calls-assets", "dev", "--port", str(port)]
    started = []

    def dev(wrapped):
        with log.open("wb") as told:
            where = {"cwd": tmp_path, "env": environment(), "stdout": told, "stderr": told}
            started.append(subprocess.Popen(wrapped(*command), **where, start_new_session=True))
        until(lambda: answers(port), READY_S, log.read_text)
        return started[0], log

    yield dev
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_dev_in_the_background_of_a_script_stops_with_all_its_servers_when_it_is_told_to(dev):
    process, log = dev(ignoring_ctrl_c)
    account, address, *_ = log.read_text().splitlines()
    assert account.startswith("Account: the sandbox, because CALLS_API_URL is not set. Tree: /")
    assert "opens in a few seconds at http://127.0.0.1:" in address
    url = re.search(r"http://127.0.0.1:[0-9]+", log.read_text())[0]
    for stranger in ({"Host": "rebound.example"}, {"Origin": "http://evil.example"}):
        for query in ("/server_info", "/graphql?query={version}"):
            assert requests.get(f"{url}{query}", headers=stranger, timeout=READY_S).status_code == 403
    assert requests.get(f"{url}/graphql?query={{version}}", timeout=READY_S).json()["data"]["version"]
    process.terminate()
    assert process.wait(timeout=STOP_S) == 0
    until(lambda: not living(process.pid), STOP_S, log.read_text)
    assert "superseded" not in log.read_text()


@pytest.mark.slow
def test_dev_at_a_terminal_ends_in_order_after_one_ctrl_c(dev):
    process, log = dev(lambda *command: command)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
    assert process.wait(timeout=STOP_S) == 0
    until(lambda: not living(process.pid), STOP_S, log.read_text)
    assert "Aborted" not in log.read_text()
    assert "Traceback" not in log.read_text()


def answers(port):
    """Whether a web server is there."""
    with suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=5).ok
    return False


def living(group):
    """Whether any process of a group of processes is there."""
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False


def test_the_sandbox_replays_calls_from_stdin_as_an_account_that_is_not_as_documented(tmp_path):
    options = (
        "--replay - --dialect strings+undocumented --dialect missing --total-cap 7 --refuse-types abandoned "
        "--refusal-status 402 --empty-as 404 --duplicates 10 --error-as message --slash both"
    )
    calls = [call for day in (2, 3, 4) for call in Centre(calls_per_day=40).day(date(2026, 3, day))]
    with subprocess.Popen(
        [COMMANDS / "calls-assets", "sandbox", "--port", "0", *options.split()],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            for call in calls:
                line = {"record": call.record, "call_types": sorted(call.call_types)}
                process.stdin.write(f"{json.dumps(line)}\n")
            process.stdin.close()
            told, refused, empty = ask_sandbox(process)
            records = told.json()["calls"]
            assert len(records) == len(calls) + -(-len(calls) // 10)
            assert {record["id"] for record in records} == {str(call.record["id"]) for call in calls}
            assert all("waiting_time" in record and "summary" not in record for record in records)
            assert told.json()["meta"]["total"] == 7
            assert (refused.status_code, "abandoned" in refused.json()["message"]) == (402, True)
            assert (empty.status_code, empty.text) == (404, "")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == f"{len(calls)} calls from 2026-03-02 to 2026-03-04.\n"


def test_the_sandbox_tells_its_options_in_groups(run):
    told = run("calls-assets", "sandbox", "--help").stdout
    assert re.findall(r"^(\S.*):$", told, re.MULTILINE) == [
        "Options",
        "The calls",
        "What the document leaves open",
        "Records and lists that are not as documented",
        "Refusals that are not as documented",
    ]
    assert "[default: None" not in told
    assert "[default: False" not in told


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_the_list_is_there_and_says_what_it_does(name, capsys):
    main([name, "--help"])
    told = capsys.readouterr().out
    assert told.startswith(f"Usage: calls-assets {name} ")
    assert "-h, --help" in told


def test_the_list_of_commands_their_help_and_the_version_load_nothing_that_only_a_command_needs():
    code = (
        "import sys; from calls_assets.commands.cli import main\n"
        "for words in (['--help'], ['--version'], ['run', '--help'], ['dev', '--help']): main(words)\n"
        "print('loaded:', *sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(told.splitlines()[-1].split()) & {"dagster", "duckdb", "pandas", "requests"} == set()
    assert re.search(r"^calls-assets \d+\.\d+\.\d+$", told, re.MULTILINE)


def test_a_wrong_use_ends_with_status_2(capsys):
    for words in ([], ["nope"], ["run"], ["sql", "--cvs"], ["sandbox", "--fast", "--replay", "x"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("Usage: calls-assets ")


@pytest.mark.parametrize("words", [["-- why\nSELECT 1", "--csv"], ["--csv", "--", "-- why\nSELECT 1"]])
def test_a_query_may_begin_with_a_comment(words):
    group = cli.resolve_command(cli.make_context("calls-assets", ["sql"]), ["sql"])[1]
    given = group.make_context("sql", words).params
    assert (given["query"], given["as_csv"]) == ("-- why\nSELECT 1", True)
