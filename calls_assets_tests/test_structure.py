"""Every file stands in a room, and the imports go one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "calls_assets"

LAYERS = (
    {"arrow", "by_ring_group", "display", "interrupts", "loopback", "terminal"},
    {"days", "targets", "waits"},
    {"api"},
    {"sandbox", "settings"},
    {"env_file", "tables"},
    {"metrics"},
    {"checks", "doctor", "reader", "report"},
    {"pipeline"},
    {"dagster"},
    {"assets"},
    {"definitions"},
    {"commands"},
    {"__main__"},
)
"""From the bottom to the top; a room knows only those in the layers below it."""

KNOW_DAGSTER = {"assets", "dagster", "definitions"}

OUTSIDE = {"__init__", "defs"}
"""What Python and `dg` want there: the first hands out `reader`, the second is the user's."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> tuple[set[str], set[str]]:
    """The rooms of ours that a module imports, and the other packages."""
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            (ours if name.startswith("calls_assets.") else others).add(name)
    return {name.split(".")[1] for name in ours}, {name.split(".")[0] for name in others}


def test_every_file_stands_in_a_layer():
    assert {room(path) for path in FILES} == set.union(OUTSIDE, *LAYERS)


@pytest.mark.parametrize("layer", range(len(LAYERS)))
def test_a_room_imports_only_what_lies_below_it(layer):
    below = set().union(*LAYERS[:layer], {"defs"} if "definitions" in LAYERS[layer] else ())
    for path in (path for path in FILES if room(path) in LAYERS[layer]):
        ours, others = imports(path)
        assert ours <= {room(path), *below}, path
        assert "dagster" not in others or room(path) in KNOW_DAGSTER, path


def test_the_page_on_structure_names_every_module():
    page = (ROOT / "docs" / "structure.md").read_text()
    named = [path for path in FILES if path.name != "__init__.py"]
    assert [str(path.relative_to(PACKAGE)) for path in named if f"{path.stem}.py" not in page] == []
