"""Read the templates of rules that ship, one file each."""

from collections.abc import Mapping
from pathlib import Path

from engine.rules.templates import Template, parse_template

FOLDER = Path(__file__).with_name("templates")


def read_templates(folder: Path = FOLDER) -> Mapping[str, Template]:
    """Return templates by name, in the alphabet's order; ConfigError where a file is wrong."""
    return {
        path.stem: parse_template(path.read_text("utf-8"), name=path.stem)
        for path in sorted(folder.glob("*.toml"))
    }
