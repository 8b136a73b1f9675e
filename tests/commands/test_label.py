"""Useful and Not useful keep the word of an alert's owner, and of nobody else."""

import pytest
from sqlalchemy import select

from engine.model import Tick
from storage.tables import Alert, Label


@pytest.fixture
async def alert_id(desk, view_with):
    """One alert of the local user, really fired."""
    await desk.ok("/watch btc min=1M")
    zones = view_with().zones
    for after, price in ((0, 113_204.5), (60_000, 113_950.0)):
        at = desk.market.at_ms + after
        tick = Tick(venue="binance", symbol="BTCUSDT", ts=at, price=price, interpolated=True)
        await desk.alerting.on_tick(tick, zones)
    (happened, *_) = await desk.alerting.history("local:owner", limit=1)
    return happened.alert_id


async def kept(desk):
    rows = await desk.state.read(lambda s: list(s.scalars(select(Label).order_by(Label.user_id))))
    return [(row.alert_id, row.user_id, row.useful) for row in rows]


async def test_the_last_word_counts(desk, alert_id):
    useful = await desk.press(f"v1:alert:useful:{alert_id}")
    assert useful.title.startswith("Noted as useful: BTC is ")
    assert await kept(desk) == [(alert_id, "local:owner", True)]
    (change, why) = useful.buttons[0]
    assert (change.label, why.label) == ("Not useful", "Why?")
    again = await desk.press(change.action)
    assert again.edits
    assert again.title.startswith("Noted as not useful: ")
    assert await kept(desk) == [(alert_id, "local:owner", False)]
    await desk.press(again.buttons[0][0].action)
    assert await kept(desk) == [(alert_id, "local:owner", True)]


async def test_nobody_else_may_say_a_word(desk, other, alert_id):
    for verb in ("useful", "useless"):
        assert "not yours" in (await desk.press(f"v1:alert:{verb}:{alert_id}", other)).error
        assert "not yours" in (await desk.press(f"v1:alert:{verb}:nothing")).error
    assert await kept(desk) == []


async def test_a_test_alert_is_not_judged(desk, alert_id):
    await desk.ok("/alert test 1")
    history = await desk.state.read(lambda s: [a.alert_id for a in s.scalars(select(Alert))])
    test = next(i for i in history if i.startswith("t"))
    assert "not yours" in (await desk.press(f"v1:alert:useful:{test}")).error
    assert await kept(desk) == []
