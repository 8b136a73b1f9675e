"""Gather raw settings from where they are written, each with its place: files, environment, command line."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from config.fields import PREFIX

CONFIG_FILE_ENV = PREFIX + "CONFIG_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One value that somebody wrote: `key` as written, `place` where, in words."""

    key: str
    value: object
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Everything one place says. `by_env` tells environment names from dotted paths."""

    given: tuple[Given, ...]
    by_env: bool
    problems: tuple[str, ...] = ()


def read_environ(environ: Mapping[str, str]) -> Layer:
    """Return the variables of the environment that are meant for Liqwatch."""
    ours = sorted(key for key in environ if key.upper().startswith(PREFIX))
    return Layer(
        given=tuple(Given(key=key, value=environ[key], place="environment") for key in ours), by_env=True
    )


def read_dotenv(path: Path) -> Layer:
    """Return what an `.env` file says; a missing file says nothing. Bad lines are never repeated."""
    text, problems = _text(path)
    given: list[Given] = []
    for binding in parse_stream(io.StringIO(text)):
        place = f"{path} line {binding.original.line}"
        if binding.error or (binding.key is not None and binding.value is None):
            problems.append(
                f"{place}: cannot be read as NAME=value. Write one setting a line, or # before a note."
            )
        elif binding.key is not None:
            given.append(Given(key=binding.key, value=binding.value, place=place))
    return Layer(given=tuple(given), by_env=True, problems=tuple(problems))


def read_yaml(path: Path, tables: frozenset[str]) -> Layer:
    """Return what a YAML file says, as dotted paths; `tables` are the paths whose value is a table itself."""
    text, problems = _text(path)
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problems.append(f"{path}{where}: is not YAML. Check indentation and colons there.")
        content = {}
    if not isinstance(content, dict):
        problems.append(
            f"{path}: wants sections with settings below them, for example `web: {{port: 8080}}`."
        )
        content = {}
    return Layer(given=tuple(_flat(content, "", str(path), tables)), by_env=False, problems=tuple(problems))


def read_overrides(overrides: Mapping[str, object]) -> Layer:
    """Return what the command line set; None stands for a flag that was not given."""
    return Layer(
        given=tuple(
            Given(key=key, value=value, place="command line")
            for key, value in overrides.items()
            if value is not None
        ),
        by_env=False,
    )


def _text(path: Path) -> tuple[str, list[str]]:
    if not path.exists():
        return "", []
    try:
        return path.read_text(encoding="utf-8"), []
    except (OSError, UnicodeDecodeError):
        return "", [f"{path}: cannot be read as text. Check that it is a UTF-8 file this user may read."]


def _flat(table: Mapping[Any, Any], prefix: str, file: str, tables: frozenset[str]) -> Iterator[Given]:
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in tables:
            yield from _flat(value, f"{path}.", file, tables)
        elif value is not None:
            yield Given(key=path, value=value, place=file)
