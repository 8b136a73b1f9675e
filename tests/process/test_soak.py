"""Too long for CI: kill the whole process again and again, and look for anything that was lost."""

import asyncio
import random
import sys
from functools import partial

import pytest

pytestmark = [pytest.mark.process, pytest.mark.soak, pytest.mark.timeout(1800)]

KILLS = 40
SEED = 20251010


async def test_forty_kills_lose_no_acknowledged_watch_and_no_alert_that_was_shown(launch, capsys):
    chance = random.Random(SEED)
    shown, lines, cooldown_min = {}, {"btc": "", "eth": ""}, 60
    for _ in range(KILLS):
        process = await launch()
        panel = await process.panel()
        await panel.until(partial(all_there, shown, panel.alerts), 60)
        table = str((await panel.say("/alert list"))["table"])
        for coin, line in lines.items():
            assert not line or coin.upper() in table, f"{line} was lost"
        coin = chance.choice(sorted(lines))
        cooldown_min = 61 + cooldown_min % 600
        line = f"/watch {coin} cooldown={cooldown_min}m"
        reply = await panel.say(line)
        assert not reply["error"]
        lines[coin] = line
        await asyncio.sleep(chance.uniform(0.0, 3.0))
        shown |= panel.alerts
        await process.kill()
    with capsys.disabled():
        sys.stdout.write(
            f"\nsoak: {KILLS} kills, {len(shown)} alerts shown, 0 lost, watches as last acknowledged\n"
        )
    assert shown


def all_there(shown, present):
    """Say whether all alerts are there again; an inbox shows the newest thirty only."""
    return len(present) >= 30 or set(shown) <= set(present)
