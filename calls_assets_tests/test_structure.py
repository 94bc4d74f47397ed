"""The imports go one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "calls_assets"
ROOMS = ("api", "tables", "metrics", "report", "assets", "definitions", "cli")
"""From the left to the right; a room knows only those before it."""

GROUND = ("interrupts", "loopback", "words")
"""What every room may stand on, and knows none of them."""

BESIDE = {
    "sandbox": ("api",),
    "settings": ("api",),
    "resources": ("alive", "api", "settings", "tables"),
    "alive": (),
    "checks": (),
    "doctor": ("alerts", "api", "findings", "resources", "settings"),
    "findings": ("api", "checks", "tables"),
}


def imports(path):
    """The rooms of ours that a module imports, and the other packages."""
    tree = ast.parse(path.read_text())
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = {name.split(".")[1] for name in names if name.startswith("calls_assets.")}
    return ours, {name.split(".")[0] for name in names}


@pytest.mark.parametrize("room", [*GROUND, *ROOMS[:4], *BESIDE])
def test_a_room_imports_only_those_before_it(room):
    known = () if room in GROUND else BESIDE[room] if room in BESIDE else ROOMS[: ROOMS.index(room)]
    allowed = {room, *GROUND, *known}
    paths = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else sorted((ROOT / room).glob("*.py"))
    for path in paths:
        ours, others = imports(path)
        assert ours <= allowed, path
        assert "dagster" not in others or room in ("alive", "checks", "resources"), path
