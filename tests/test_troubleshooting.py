"""What docs/troubleshooting.md quotes is what the product says, and what it tells to do can be done."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from bot.commands.registry import Registry
from config.settings import env_example

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
PACKAGES = ("adapters", "bot", "config", "engine", "storage")
GAP = "…"


def rows() -> list[tuple[str, str]]:
    """Return the first cell of every row that begins with what Liqwatch says, and the rest of the row."""
    found = []
    for line in TEXT.splitlines():
        first, _, rest = line.strip("| ").partition(" | ")
        if line.startswith("| ") and "`" in first:
            found.append((first, rest))
    return found[5:]  # the first table is of things to ask


def quoted(cell: str) -> list[str]:
    """Return what a cell quotes; settings and addresses beside it are looked at elsewhere."""
    return [each for each in re.findall(r"`([^`]+)`", cell) if not re.fullmatch(r"/\w+|[A-Z_]+", each)]


class _Words(ast.NodeVisitor):
    """Gather every text of a module, with a gap where something is put in."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring is said to nobody
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found.append(re.sub(r"{\w*[^{}]*}", GAP, node.value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        parts = [part.value if isinstance(part, ast.Constant) else GAP for part in node.values]
        self.found.append("".join(str(part) for part in parts))


@cache
def words() -> str:
    """Return everything that the product may say."""
    visitor = _Words()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
    scripts = [path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "web" / "static").glob("*.js")]
    return "\n".join([*visitor.found, *scripts])


def says(message: str) -> bool:
    """Say whether the product has a message; a gap may stand for anything within a line."""
    pattern = r"[^\n]*?".join(re.escape(part) for part in message.strip(GAP).split(GAP))
    return re.search(pattern, words()) is not None


@pytest.mark.parametrize("cell", [first for first, _ in rows()])
def test_every_quoted_message_is_one_that_is_said(cell):
    assert quoted(cell)
    for message in quoted(cell):
        assert len(message.strip(f"{GAP} :")) >= 5, message
        assert says(message), message


def test_a_message_that_nobody_says_is_noticed():
    assert not says("The moon does not accept the token.")
    assert not says("Liqwatch (process …) already serves the moon")


def test_every_setting_and_command_that_is_named_exists():
    known = set(re.findall(r"LIQWATCH_[A-Z_]+", env_example()))
    assert set(re.findall(r"LIQWATCH_[A-Z_]+", TEXT)) <= known
    registry = Registry()
    for line in set(re.findall(r"`/(\w+(?: \w+)?)`", TEXT)) - {"readyz"}:
        assert registry.find(line) or registry.has_noun(line), line
    subcommands = set(re.findall(r'add_parser\(\s*"(\w+)"', (ROOT / "bot" / "__main__.py").read_text()))
    assert set(re.findall(r"`liqwatch (\w+)", TEXT)) <= subcommands | {"console"}
