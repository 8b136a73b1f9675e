"""Marks in the code do what they should: nothing hides `_`, nothing is translated while a module loads."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(path for name in ("adapters", "bot", "engine") for path in (ROOT / name).rglob("*.py"))
MARKED = [path for path in FILES if "lang import" in path.read_text("utf-8")]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a function itself, not in one inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, FUNCTIONS):
            yield from own(child)


def says(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"


def hides(node: ast.AST) -> bool:
    """Say whether a node gives `_` another meaning."""
    named = isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
    return named or (isinstance(node, ast.arg) and node.arg == "_")


def inside(tree: ast.AST) -> list[ast.AST]:
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]


def test_no_function_that_says_something_hides_what_says_it():
    assert len(MARKED) > 100
    found = []
    for file in MARKED:
        for function in inside(ast.parse(file.read_text("utf-8"))):
            nodes = [*own(function), *getattr(function.args, "args", [])]
            if any(map(hides, nodes)) and any(says(n) for n in ast.walk(function)):
                found.append(f"{file.relative_to(ROOT)}:{function.lineno}")
    assert found == []


def test_nothing_is_translated_while_a_module_loads():
    found = []
    for file in MARKED:
        tree = ast.parse(file.read_text("utf-8"))
        late = {id(n) for function in inside(tree) for n in ast.walk(function)}
        found += [f"{file}:{n.lineno}" for n in ast.walk(tree) if says(n) and id(n) not in late]
    assert found == []
