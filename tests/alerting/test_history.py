from sqlalchemy import select

from engine.alerts.reasons import Reason
from engine.model import Severity
from storage.outbox import State
from storage.tables import Delivery


async def test_history_is_newest_first_with_verdicts_and_where_it_went(bench, kit):
    await bench.watch()
    await bench.tick(101.0, 0)
    for second, price in ((15, 99.5), (40, 97.5), (70, 95.5)):
        await bench.tick(price, second)
    told = await bench.alerting.history(kit.OWNER)
    assert [(t.severity, t.verdict) for t in told] == [
        (Severity.CRITICAL, "sent"),
        (Severity.WARNING, "sent"),
        (Severity.INFO, "in the digest"),
    ]
    assert told[0].sentence == Reason.LEADS.sentence
    assert told[0].headline == "BTC is 0.5% above a $42M long zone"
    assert [d.verdict for d in told[0].told] == ["waiting to be sent"]
    assert told[2].waits_until_ms is not None
    assert told[2].message_id == ""
    assert [t.alert_id for t in await bench.alerting.history(kit.OWNER, limit=1, offset=1)] == [
        told[1].alert_id
    ]


async def test_what_rode_along_points_to_its_message(bench, kit):
    await bench.watch(within={Severity.CRITICAL: 0.01})
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    await bench.tick(101.0, 30)
    await bench.tick(95.5, 60)
    second, first = await bench.alerting.history(kit.OWNER)
    assert (second.verdict, second.message_id) == ("added to an earlier message", first.alert_id)
    assert second.told == first.told


async def test_the_whole_way_is_told_in_sentences(bench, kit):
    rule_id = await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(97.5, 15)
    await bench.sweep(40)
    (one,) = await bench.alerting.history(kit.OWNER, rule_id=rule_id)
    whole = await bench.alerting.show(kit.OWNER, one.alert_id)
    assert [s.stage for s in whole.said].count("consolidate") == 2
    assert all(s.sentence.endswith(".") and s.sentence != s.reason for s in whole.said)
    assert await bench.alerting.show(kit.OWNER, "nothing") is None


async def test_a_place_that_is_gone_is_said_to_be_off(bench, kit):
    await bench.watch(within={Severity.CRITICAL: 0.01})
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)

    def gone(session):
        row = session.scalars(select(Delivery)).one()
        row.state, row.reason = State.FAILED.value, "gone: chat not found"

    await bench.state.run(gone)
    (told,) = await bench.alerting.history(kit.OWNER)
    assert told.told[0].verdict == "off: the place is gone"


def test_every_state_of_a_delivery_has_words():
    from bot.alerting.history import STATES

    assert set(STATES) == set(State)
