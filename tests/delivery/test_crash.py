"""Kill -9 the sender at random moments, with a far end that fails 5% of the time: nothing is lost."""

import os
import random
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from storage.outbox import delivery_key

CHILD = Path(__file__).with_name("crash_child.py")
ROOT = CHILD.parents[2]
KILLS = 20
ALERTS = 600


class FarEnd(socketserver.ThreadingTCPServer):
    """Accept messages, count them by key, and fail now and then."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.marked, self.rng, self.lock = Counter(), Counter(), random.Random(3), threading.Lock()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().split()
        if not line:
            return
        time.sleep(0.002)
        with self.server.lock:
            if self.server.rng.random() < 0.05:
                self.wfile.write(b"no\n")
                return
            self.server.got[line[0].decode()] += 1
            self.server.marked[line[0].decode()] += int(line[1])
        try:
            self.wfile.write(b"ok\n")
        except OSError:
            return  # the sender was killed before it heard of it


@pytest.mark.process
def test_twenty_kills_lose_nothing_and_repeat_at_most_what_was_under_way(tmp_path):
    server = FarEnd()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    args = [sys.executable, str(CHILD), f"sqlite:///{tmp_path / 'state.db'}"]
    args += [str(server.server_address[1]), str(ALERTS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    rng, acknowledged, kills, done = random.Random(7), set(), 0, False
    while not done:
        child = subprocess.Popen(args, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        assert child.stdout.readline().strip() == "ready"
        if kills < KILLS:
            try:
                child.wait(timeout=rng.uniform(0.01, 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
                kills += 1
        out, _ = child.communicate(timeout=60)
        words = out.split()
        done = words[-1:] == ["done"]
        acknowledged.update(word for word in words if word.startswith("a"))
    server.shutdown()
    server.server_close()
    keys = {name: delivery_key(name, "far", f"place{int(name[1:]) % 29}") for name in acknowledged}
    lost = [name for name, key in keys.items() if server.got[key] == 0]
    repeated = sum(count - 1 for count in server.got.values())
    assert kills == KILLS
    assert lost == []
    assert len(server.got) == ALERTS
    assert repeated <= 4 * KILLS
    assert all(server.marked[key] >= 1 for key, count in server.got.items() if count > 1)
