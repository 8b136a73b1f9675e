"""What a server has set holds for what is posted in it, and never drops a critical."""

from datetime import UTC, datetime

import pytest

from engine.model import Severity
from storage.alert_state import count_sent, sent_on
from storage.servers import note_place, set_server

SERVER, DESK, MEMBER = "discord:200", ("discord", "300"), "discord:42"
WARN, CRIT = {Severity.WARNING: 0.03}, {Severity.CRITICAL: 0.01}
POSTED = {"to_channel": "discord", "to_place": "300"}


def at(kit, text):
    """Return the seconds from the start of the test's clock to a time in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000 - kit.T0) / 1000


@pytest.fixture
async def server(bench):
    """Let a server that a channel belongs to set something."""

    async def change(**values):
        def work(session):
            set_server(session, SERVER, values, wall_ms=1)
            note_place(session, SERVER, DESK, wall_ms=1)

        await bench.state.run(work)

    return change


async def crossed(bench, kit, when, *, within=WARN, to=96.9, owner=MEMBER):
    """Let a price come near a zone of a member's alert that is posted in the channel."""
    await bench.watch(within=within, owner=owner, **POSTED)
    await bench.tick(101.0, at(kit, when))
    await bench.tick(to, at(kit, when) + 60)
    return await bench.verdicts()


async def test_the_servers_quiet_hours_hold_there_by_the_servers_clock(bench, kit, server):
    await server(tz="Asia/Tokyo", quiet="22:00-07:00")
    found = await crossed(bench, kit, "2025-10-10 13:30")  # 22:30 in Tokyo
    assert found == [("warning", "hold", "quiet_hours_hold")]


async def test_a_members_own_quiet_hours_do_not_silence_a_server_that_was_set_up(bench, kit, server):
    await server(tz="Asia/Tokyo")
    await bench.set(owner=MEMBER, quiet="13:00-14:00")
    await crossed(bench, kit, "2025-10-10 13:30")
    await bench.sweep(at(kit, "2025-10-10 13:35"))
    assert [v[1] for v in await bench.verdicts()] == ["send"]


async def test_a_members_quiet_hours_hold_where_a_server_sets_nothing_of_time(bench, kit, server):
    await server(budget=5)
    await bench.set(owner=MEMBER, quiet="13:00-14:00")
    assert await crossed(bench, kit, "2025-10-10 13:30") == [("warning", "hold", "quiet_hours_hold")]


async def test_what_goes_to_the_member_alone_is_none_of_the_servers_business(bench, kit, server):
    await server(quiet="00:00-23:59", budget=1)
    await bench.watch(within=WARN, owner=MEMBER, to_channel="discord")
    await bench.tick(101.0, at(kit, "2025-10-10 13:30"))
    await bench.tick(96.9, at(kit, "2025-10-10 13:31"))
    await bench.sweep(at(kit, "2025-10-10 13:35"))
    assert [v[1] for v in await bench.verdicts()] == ["send"]


async def spent(bench, count):
    """Let a server have had so many alerts today."""

    def work(session):
        for _ in range(count):
            count_sent(session, SERVER, "2025-10-10", epoch=0)

    await bench.state.run(work)


async def test_over_the_servers_budget_a_warning_goes_to_the_digest(bench, kit, server):
    await server(budget=2)
    await spent(bench, 2)
    assert (await crossed(bench, kit, "2025-10-10 13:30"))[0][1] == "digest"


async def test_over_the_servers_budget_a_critical_passes_and_is_counted(bench, kit, server):
    await server(budget=2, quiet="00:00-23:59")
    await spent(bench, 2)
    found = await crossed(bench, kit, "2025-10-10 13:30", within=CRIT, to=95.5)
    assert found[0][:2] == ("critical", "send")
    assert await bench.state.read(lambda s: sent_on(s, SERVER, "2025-10-10", epoch=0)) == 3


async def test_two_members_share_one_budget(bench, kit, server):
    await server(budget=1)
    await bench.watch(within=WARN, owner=MEMBER, **POSTED)
    await bench.watch(within=WARN, owner="discord:43", **POSTED)
    await bench.tick(101.0, at(kit, "2025-10-10 13:30"))
    await bench.tick(96.9, at(kit, "2025-10-10 13:31"))
    await bench.sweep(at(kit, "2025-10-10 13:35"))
    assert sorted(v[1] for v in await bench.verdicts()) == ["digest", "send"]


async def test_a_critical_calls_the_role_that_is_set_and_a_warning_does_not(bench, kit, server):
    await server(ping_role="77")
    await crossed(bench, kit, "2025-10-10 13:30", within=CRIT | WARN, to=96.9)
    await bench.tick(95.5, at(kit, "2025-10-10 13:40"))
    await bench.sweep(at(kit, "2025-10-10 13:45"))
    told = {d.severity: d.message.get("ping", "") for d in await bench.deliveries() if d.revision == 0}
    assert told == {"warning": "", "critical": "77"}
