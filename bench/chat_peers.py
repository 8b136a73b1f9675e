"""Load the local platforms that the tests use: strict about what a bot sends."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parents[1] / "tests" / "peers"


def peer(name: str) -> Any:  # noqa: ANN401 - a module of the tests, which are not typed
    """Return a module of the local platforms."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        if spec is None or spec.loader is None:
            raise OSError(f"{PEERS / name} cannot be read")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]
