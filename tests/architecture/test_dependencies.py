"""Every dependency says in docs/dependencies.md why it is there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITTEN = {"discord-py": "discord.py"}


def test_every_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["setup"], *groups["node"]]
    names = [re.split(r"[<>=!~ ]", line)[0] for line in wanted]
    told = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert [name for name in names if WRITTEN.get(name, name) not in told] == []
