"""An audit that could not be made is not taken for one that found nothing."""

import json
import sys
from pathlib import Path

import pytest

from calls_assets_tests.audit import NOT_ASKED, SOUND, VULNERABLE, main, told

CLEAN = {"name": "rich", "version": "15.0.0", "vulns": []}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found on PyPI and could not be audited: click (8.3.1)"}
HURT = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}
UNMENDED = {"name": "six", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": []}]}
UNREACHED = "could not be audited, no vulnerability service was reached: try it elsewhere."


@pytest.mark.parametrize(
    ("packages", "status", "sentences"),
    [
        ([CLEAN, CLEAN], SOUND, ["no vulnerability is known of 2 packages."]),
        ([CLEAN, HURT, SKIPPED], VULNERABLE, ["jinja2 2.10 has PYSEC-2019-217, mended in 2.10.1."]),
        ([UNMENDED], VULNERABLE, ["six 1.0 has CVE-1, mended in no release so far."]),
        ([CLEAN, SKIPPED], NOT_ASKED, [f"1 of 2 packages {UNREACHED}"]),
        ([SKIPPED, SKIPPED], NOT_ASKED, [f"2 of 2 packages {UNREACHED}"]),
        ([], NOT_ASKED, [f"its packages {UNREACHED}"]),
    ],
)
def test_what_is_said_of_a_lock(packages, status, sentences):
    assert told("a.lock", {"dependencies": packages}) == (status, [f"a.lock: {sentence}" for sentence in sentences])


def test_a_report_that_was_not_written_is_no_audit():
    assert told("a.lock", None) == (NOT_ASKED, [f"a.lock: its packages {UNREACHED}"])


AUDITOR = """
import sys
lock, report = (sys.argv[sys.argv.index(name) + 1] for name in ("--requirement", "--output"))
content = open(lock).read()
if content:
    open(report, "w").write(content)
sys.exit(1)
"""


@pytest.mark.parametrize(
    ("locks", "status"),
    [
        ([[CLEAN], [CLEAN]], SOUND),
        ([[CLEAN], None], NOT_ASKED),
        ([[SKIPPED], [HURT]], VULNERABLE),
        ([None, [CLEAN]], NOT_ASKED),
    ],
)
def test_the_worst_of_the_locks_is_the_status(tmp_path, capsys, locks, status):
    names = [str(tmp_path / f"{number}.lock") for number in range(len(locks))]
    for name, packages in zip(names, locks, strict=True):
        Path(name).write_text("" if packages is None else json.dumps({"dependencies": packages}), encoding="utf-8")
    assert main([*names, "--", sys.executable, "-c", AUDITOR]) == status
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == names
