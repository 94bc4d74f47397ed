"""Which small faults in the code the tests find: `python calls_assets_tests/mutants.py [FIRST [LAST]]`, by hand.

Sixty mutants, always the same: each is one change in a copy of the project, in which the tests of its room then run. Prints
a line for each as it ends, and how many were found in each room; one that survived is a test to write, or code to leave out.
"""

import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COUNT = 60
LONGEST_S = 900

ROOMS = {
    "metrics": (["metrics/**/*.sql"], ["metrics", "second_opinion"]),
    "decode": (["api/decode.py", "api/rules.py"], ["api"]),
    "crawl": (["api/crawl.py", "api/windows.py", "days.py"], ["api"]),
    "store": (["tables/store.py"], ["tables"]),
    "landing": (["dagster/landing.py", "pipeline/landing.py"], ["dagster/test_landing.py", "system/test_pipeline.py"]),
}
"""By room: the files that change, within the package, and the tests that should tell, within their folder."""

SQL = [
    (r"<=|>=|<>|(?<![<>-])[<>](?![=>])", {"<=": "<", ">=": ">", "<>": "=", "<": "<=", ">": ">="}),
    (r"(?<![\w.'])\d+(?![\w.'])", None),
    (r"(?<= )[-+](?= )", {"-": "+", "+": "-"}),
    (r"\bAND\b[^\n()]*(?=\n)", {}),
    (r"(?<=\w )= (?=\w)", {"= ": "<> "}),
]
"""What changes in a query, and into what: a comparison, a number (one more), a sign, a clause (dropped), an equality."""

FLIPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


@dataclass(frozen=True)
class Mutant:
    """The text of one place in a file, and what takes its place."""

    room: str
    file: Path
    start: int
    old: str
    new: str

    def __str__(self) -> str:
        line = (ROOT / self.file).read_text()[: self.start].count("\n") + 1
        shown = (" ".join(text.split())[:40] for text in (self.old, self.new))
        return f"{self.room}: {self.file}:{line}: " + " -> ".join(text or "nothing" for text in shown)


def in_query(text: str) -> Iterator[tuple[int, str, str]]:
    code = re.sub(r"--[^\n]*|'[^'\n]*'", lambda found: " " * len(found[0]), text)
    for pattern, into in SQL:
        for found in re.finditer(pattern, code):
            old = text[found.start() : found.end()]
            yield found.start(), old, str(int(old) + 1) if into is None else into.get(old, "")


def changed(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.Compare(ops=[op]) if type(op) in FLIPPED:
            return ast.Compare(node.left, [FLIPPED[type(op)]()], node.comparators)
        case ast.BinOp() if type(node.op) in FLIPPED:
            return ast.BinOp(node.left, FLIPPED[type(node.op)](), node.right)
        case ast.BoolOp():
            return node.values[0] if len(node.values) == 2 else ast.BoolOp(node.op, node.values[:-1])
        case ast.UnaryOp(op=ast.Not()):
            return node.operand
        case ast.Constant() if type(node.value) is int:
            return ast.Constant(node.value + 1)
    return None


def in_module(text: str) -> Iterator[tuple[int, str, str]]:
    lines = [0]
    for line in text.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    tree = ast.parse(text)
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in pieces and (new := changed(node)):
            begin = len(text.encode()[: lines[node.lineno - 1] + node.col_offset].decode())
            yield begin, ast.get_source_segment(text, node) or "", f"({ast.unparse(new)})"


def mutants() -> list[Mutant]:
    """The same sixty for the same code: equally many of each room, from all over its files."""
    found = []
    for room, (patterns, _) in ROOMS.items():
        files = sorted(path for pattern in patterns for path in (ROOT / "calls_assets").glob(pattern))
        every = [
            Mutant(room, path.relative_to(ROOT), *place)
            for path in files
            for place in (in_query if path.suffix == ".sql" else in_module)(path.read_text())
        ]
        found += random.Random(room).sample(every, min(COUNT // len(ROOMS), len(every)))
    return found


def is_found(mutant: Mutant, folder: Path) -> bool:
    """Whether a test of the room fails, or none ends in time, where the mutant lives in a copy of the project."""
    for name in ("calls_assets", "calls_assets_tests", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    text = (folder / mutant.file).read_text()
    end = mutant.start + len(mutant.old)
    (folder / mutant.file).write_text(text[: mutant.start] + mutant.new + text[end:])
    tests = [f"calls_assets_tests/{name}" for name in ROOMS[mutant.room][1]]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    environ = os.environ | {"PYTHONPATH": str(folder)}
    try:
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main(first: str = "1", last: str = str(COUNT)) -> None:
    counts: Counter[tuple[str, bool]] = Counter()
    for number, mutant in list(enumerate(mutants(), 1))[int(first) - 1 : int(last)]:
        with tempfile.TemporaryDirectory() as folder:
            found = is_found(mutant, Path(folder))
        counts[mutant.room, found] += 1
        print(f"{number:3} {'found' if found else 'SURVIVED':8} {mutant}", flush=True)  # noqa: T201
    for room in ROOMS:
        print(f"{room}: {counts[room, True]} found, {counts[room, False]} survived")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
