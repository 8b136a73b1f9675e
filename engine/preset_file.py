"""Read heatmap models of one's own from TOML: each takes the parts of a shipped preset and changes some.

A file holds tables `[models.NAME]` with a `base` and what is changed of it. Whatever is wrong is found in one
pass and said in a line each; `Preset` checks what comes out once more.
"""

import re
import tomllib
from collections.abc import Mapping

from engine.errors import ConfigError
from engine.preset_draft import Draft
from engine.preset_keys import KEYS, read_keys
from engine.preset_values import Place, meant, unknown
from engine.presets import PRESETS, Preset

MAX_MODELS = 25 - len(PRESETS)
"""Models that a file may hold: with the shipped ones, as many as the shortest list of a chat has room for."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,23}")
_BASES = " or ".join(f'"{name}"' for name in PRESETS)


def parse_presets(text: str | bytes, *, name: str) -> dict[str, Preset]:
    """Return the models of a TOML file by their names, in its order.

    `name` is what the file is called in errors. Raise ConfigError with one line a problem: the file, the
    model, the key, and what would be right.
    """
    root = Place(name)
    found: dict[str, Preset] = {}
    for model, table in _tables(root, text).items():
        place = root.key("models").key(model)
        preset = _preset(place, model, table)
        if _named(place, model) and preset is not None:
            found[model] = preset
    if root.problems:
        raise ConfigError(root.problems)
    return found


def _tables(root: Place, text: str | bytes) -> dict[str, object]:
    """Return what stands under `models`; nothing once the file as a whole is refused."""
    try:
        content = tomllib.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except UnicodeDecodeError:
        root.note("is not UTF-8 text. Save it as UTF-8.")
        return {}
    except tomllib.TOMLDecodeError as error:
        hint = "Check brackets and quotes there; a number begins with a digit: 0.5, not .5"
        root.note(f"is not TOML: {str(error)[:200]}. {hint}.")
        return {}
    except (ValueError, RecursionError):
        root.note("cannot be read: brackets in brackets without end, or a number of thousands of digits.")
        return {}
    unknown(root, content, ("models",))
    models = content.get("models")
    if not isinstance(models, dict) or not models:
        root.note('holds no model. Begin one with a line [models.NAME] and one base = "flow" below it.')
        return {}
    if len(models) > MAX_MODELS:
        root.note(f"holds {len(models)} models; {MAX_MODELS} is the most. Remove some.")
    return models


def _named(place: Place, name: str) -> bool:
    """Say whether a model may be called so; note why not."""
    if name in PRESETS:
        place.note(f"a model that ships is called {name}. Call yours otherwise, such as my-{name}.")
    elif not NAME.fullmatch(name):
        place.note("a name is a small letter, then up to 23 of a-z, 0-9, _ and -, such as my-model.")
    else:
        return True
    return False


def _preset(place: Place, name: str, table: object) -> Preset | None:
    """Return one model, None once something of it is refused."""
    if not isinstance(table, dict):
        place.refuse(table, 'a table of keys, such as base = "flow"')
        return None
    unknown(place, table, KEYS)
    written = read_keys(place, table)
    base = _base(place, table)
    if base is None:
        return None
    return Draft(place, base, written).preset(name)


def _base(place: Place, table: Mapping[str, object]) -> Preset | None:
    """Return the shipped preset that a model begins with, None once it is refused."""
    if "base" not in table:
        place.key("base").note(f"is missing; it wants {_BASES}: the model whose parts are taken")
        return None
    base = table["base"]
    if isinstance(base, str) and base in PRESETS:
        return PRESETS[base]
    near = f". {meant(base, tuple(PRESETS))}" if isinstance(base, str) else ""
    place.key("base").refuse(base, _BASES + near)
    return None
