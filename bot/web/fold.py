"""Fold what the page's first picture needs into fewer files: a browser asks once and not twenty times.

`page.css` takes in what it `@import`s, and `parts.js` is made of all modules that `main.js` imports: each is
a function of its own in there, and its old address hands out what that one made: there is one of each.
"""

import re
from collections.abc import Mapping, Sequence

MAIN = "main.js"
PARTS = "parts.js"
APART = frozenset({"decode.js"})
"""What stays a file of its own: `early.js` asks for it before there is `main.js`."""

_NAMES = r"import \{([^}]*)\} from"
_IMPORT = re.compile(rf'^{_NAMES} "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const)\*? (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import\b|export\b).*", re.MULTILINE)
_STYLE = re.compile(r'^@import "\./([^"]+)";\n', re.MULTILINE)


def folded(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the page's files, by name, with modules and styles folded; raise ValueError where that fails."""
    files = dict(sources)
    for name, body in sources.items():
        if name.endswith(".css"):
            files[name] = _STYLE.sub(lambda match: sources[match[1]].decode(), body.decode()).encode()
    if MAIN in sources:
        files |= _modules({name: body.decode() for name, body in sources.items() if name.endswith(".js")})
    return files


def _modules(texts: Mapping[str, str]) -> dict[str, bytes]:
    """Return `parts.js`, `main.js` that takes from it, and what stands at the addresses of its modules."""
    order: list[str] = []
    _gather(MAIN, texts, order, ())
    outside = sorted(
        {_file(target) for name in order for _, target in _IMPORT.findall(texts[name])} - {*order}
    )
    parts = [_whole(target) for target in outside]
    made = {}
    for name in order[:-1]:
        names = ", ".join(found[1] for found in _EXPORT.findall(texts[name]))
        variable = _variable(name)
        body = f"{_body(name, texts)}return {{ {names} }};\n"
        parts.append(f"// {name}\nexport const {variable} = (() => {{\n{body}}})();\n")
        made[name] = f"{_taken([variable])}export const {{ {names} }} = {variable};\n"
    used = [_file(target) for _, target in _IMPORT.findall(texts[MAIN])]
    others = "".join(_whole(file) for file in used if file in outside)
    taken = _taken([_variable(file) for file in used if file not in outside])
    made[MAIN] = others + taken + _body(MAIN, texts)
    return {name: text.encode() for name, text in {**made, PARTS: "".join(parts)}.items()}


def _whole(file: str) -> str:
    return f'import * as {_variable(file)} from "{_address(file)}";\n'


def _taken(variables: Sequence[str]) -> str:
    return f'import {{ {", ".join(variables)} }} from "/static/{PARTS}";\n'


def _gather(name: str, texts: Mapping[str, str], order: list[str], within: tuple[str, ...]) -> None:
    """Put a module behind all that it imports."""
    if name in within:
        raise ValueError(
            f"{name} imports itself, by way of {', '.join(within)}: modules that are folded may not"
        )
    for _, target in _IMPORT.findall(texts[name]):
        file = _file(target)
        if file in texts and file not in APART and file not in order:
            _gather(file, texts, order, (*within, name))
    order.append(name)


def _body(name: str, texts: Mapping[str, str]) -> str:
    """Return a module's text as the inside of a function: what it imports is taken from variables."""
    text = _EXPORT.sub(r"\1", texts[name])
    text = _IMPORT.sub(
        lambda match: f"const {{{match[1].replace(' as ', ': ')}}} = {_variable(_file(match[2]))};\n", text
    )
    if other := _OTHER.search(text):
        raise ValueError(f"{name} cannot be folded for this line: {other[0]}")
    return text


def _file(target: str) -> str:
    return target.removeprefix("./")


def _address(file: str) -> str:
    return file if file.startswith("/") else f"./{file}"


def _variable(file: str) -> str:
    return "$" + re.sub(r"\W", "_", file.rpartition("/")[2].rpartition(".")[0])
