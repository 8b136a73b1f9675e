"""Load what the tests of this venue share: tests are no package, so it is loaded by its path."""

import importlib.util
import sys
from pathlib import Path

PEERS = Path(__file__).parents[2] / "peers"


def load(name, path):
    """Load a module by its path, once; tests then import it by that name."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


load("binance_frames", PEERS / "binance_frames.py")
load("binance_peer", PEERS / "binance.py")
