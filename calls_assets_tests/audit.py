"""Asks of every pinned package whether a vulnerability of it is known: `make audit`.

    python calls_assets_tests/audit.py LOCK... -- COMMAND...

The command is pip-audit, which gets the lock and where to write. Ends with 0 where every package was asked about and none has
a known vulnerability, with 1 where one has, and with 3 where none is known but some could not be asked about: pip-audit
itself ends well then, and says that it has found nothing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SOUND, VULNERABLE, NOT_ASKED = 0, 1, 3


def told(lock: str, report: dict[str, Any] | None) -> tuple[int, list[str]]:
    """How the audit of a lock ended, and what to say of it; a report of None was never written."""
    packages = report["dependencies"] if report else []
    asked = [package for package in packages if "vulns" in package]
    known = [
        f"{lock}: {package['name']} {package['version']} has {found['id']}, mended in "
        f"{' or '.join(found['fix_versions']) or 'no release so far'}."
        for package in asked
        for found in package["vulns"]
    ]
    if known:
        return VULNERABLE, known
    if not asked or len(asked) < len(packages):
        many = f"{len(packages) - len(asked)} of {len(packages)} packages" if packages else "its packages"
        return NOT_ASKED, [
            f"{lock}: {many} could not be audited, no vulnerability service was reached: try it elsewhere."
        ]
    return SOUND, [f"{lock}: no vulnerability is known of {len(asked)} packages."]


def audited(lock: str, command: list[str]) -> dict[str, Any] | None:
    """What pip-audit reports of a lock; None where it could not."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        subprocess.run(
            [*command, "--requirement", lock, "--format", "json", "--output", report], capture_output=True, check=False
        )
        return json.loads(report.read_text(encoding="utf-8")) if report.exists() else None


def main(words: list[str]) -> int:
    """Audit the locks, and say how that ended."""
    end = words.index("--")
    found = [told(lock, audited(lock, words[end + 1 :])) for lock in words[:end]]
    for _, sentences in found:
        sys.stdout.write("".join(f"{sentence}\n" for sentence in sentences))
    statuses = {status for status, _ in found}
    return VULNERABLE if VULNERABLE in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
