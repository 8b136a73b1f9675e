"""The import rules hold, and a wrong import is found: planted ones must break each contract."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "bench", "bot", "config", "engine", "storage")
PLANTED = {
    "engine/planted.py": ("import sqlite3\n", "engine does no input or output"),
    "engine/planted_up.py": ("from storage import tables\n", "imports run inwards"),
    "storage/planted.py": ("from bot.commands import reply\n", "imports run inwards"),
    "adapters/planted.py": ("import storage.tables\n", "imports run inwards"),
    "bot/commands/planted.py": ("from bot.console import wire\n", "inside bot"),
    "bot/alerting/planted.py": ("import aiohttp\n", "know HTTP"),
    "bot/live/planted.py": ("import bench.runner\n", "benches are a tool"),
    "bot/commands/planted_chat.py": ("import telegram\n", "know a chat platform"),
}


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the import rules over a copy of the tree."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    return subprocess.run(
        [*command, "--no-cache"], cwd=directory, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the packages, without what set-up installs."""
    copy = tmp_path_factory.mktemp("tree")
    skip = shutil.ignore_patterns("node_modules", "__pycache__", "*.parquet", "static")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_the_tree_keeps_the_rules(tree):
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(PLANTED))
def test_a_planted_import_is_found(tree, path):
    source, contract = PLANTED[path]
    planted = tree / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f'"""Break a rule on purpose."""\n\n{source}')
    try:
        done = lint(tree)
    finally:
        planted.unlink()
    assert done.returncode != 0
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(contract in line for line in broken), done.stdout
