"""The package as it is installed: built, put into an empty environment, and run from there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEMO_OF_THREE_DAYS = "from calls_assets.commands import cli, demo; demo.DEMO_DAYS = 3; cli.main(['demo'])"


@pytest.mark.slow
def test_the_demo_runs_from_the_built_wheel_in_an_empty_environment(tmp_path):
    def run(*command):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tools = Path(sys.executable).parent
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist", "data"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source)
    shutil.rmtree(source)
    (wheel,) = tmp_path.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(tools / "uv", "pip", "install", "--python", python, "--constraints", ROOT / "requirements.lock", wheel)
    assert "demo" in run(python.parent / "calls-assets", "--help")
    assert "In 3 days the service level was " in run(python, "-c", DEMO_OF_THREE_DAYS)
    assert len(list(tmp_path.glob(".calls_assets/sandbox/data/daily_report/date=*/daily_report.html"))) == 3
    assert run(python, "-c", "import calls_assets; print(calls_assets.__path__[0])").startswith(str(tmp_path))
