"""Channels of users: sealed, their owner's alone, in order, and proven by codes that cannot be abused."""

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from engine.errors import SealBroken, SealUnknown, UserError
from engine.model import DAY_MS, Severity
from storage import channels, codes, forget
from storage.channels import NewChannel
from storage.codes import Limited, Tried
from storage.outbox import State
from storage.rules import NewRule, add_rule, get_rule
from storage.sealed import Sealer
from storage.state_db import StateDatabase
from storage.tables import ChannelCode, CodeMark, OwnChannel

SEALER = Sealer(SecretStr("k" * 40))
ME, YOU = "telegram:1", "telegram:2"
MAIL = "me@example.org"
T0 = 1_790_000_000_000


@pytest.fixture
def db(tmp_path):
    database = StateDatabase.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield database
    database.close()


def put(db, owner=ME, address=MAIL, kind="email", secret="", at=T0):
    new = NewChannel(kind=kind, address=address, secret=secret)
    return db.write(lambda s: channels.add_channel(s, owner, new, SEALER, wall_ms=at))


def code(db, row, address=MAIL, at=T0):
    return db.write(
        lambda s: codes.new_code(s, s.get(OwnChannel, row.channel_id), address, SEALER, wall_ms=at)
    )


def tried(db, typed, owner=ME, at=T0):
    return db.write(lambda s: codes.try_code(s, owner, typed, SEALER, wall_ms=at))


def proven(db, owner=ME, address=MAIL, kind="email", at=T0):
    row = put(db, owner, address, kind, at=at)
    db.write(lambda s: setattr(s.get(OwnChannel, row.channel_id), "verified_wall_ms", at))
    return row.channel_id


def listed(db, owner=ME):
    return db.read(lambda s: [row.channel_id for row in channels.list_channels(s, owner)])


def test_neither_address_nor_secret_nor_code_can_be_read_from_the_file(db, tmp_path):
    row = put(db, secret="whsec_a-secret-of-mine")
    sent = code(db, row)
    assert channels.address_in(row, SEALER) == MAIL
    assert channels.secret_in(row, SEALER) == "whsec_a-secret-of-mine"
    files = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    for hidden in (MAIL, "whsec_a", sent):
        assert hidden.encode() not in files


def test_a_sealed_address_opens_for_its_owner_and_kind_alone(db):
    mine, yours = put(db), put(db, YOU)
    moved = db.read(lambda s: s.get(OwnChannel, yours.channel_id))
    moved.address = mine.address
    with pytest.raises(SealBroken):
        channels.address_in(moved, SEALER)


def test_a_new_key_seals_anew_what_the_former_opens(db):
    number = put(db).channel_id
    both = Sealer(SecretStr("n" * 40), [SecretStr("k" * 40)])
    stranger = Sealer(SecretStr("s" * 40))
    assert db.write(lambda s: channels.seal_anew(s, stranger)) == 0
    assert db.write(lambda s: channels.seal_anew(s, both)) == 1
    row = db.read(lambda s: s.get(OwnChannel, number))
    assert channels.address_in(row, Sealer(SecretStr("n" * 40))) == MAIL
    with pytest.raises(SealUnknown):
        channels.address_in(row, SEALER)


def test_nobody_reaches_the_channels_of_another(db):
    mine = proven(db)
    assert listed(db, YOU) == []
    assert db.read(lambda s: channels.get_channel(s, YOU, mine)) is None
    assert db.write(lambda s: channels.change_channel(s, YOU, mine, label="x")) is None
    assert db.write(lambda s: channels.remove_channel(s, YOU, mine)) is None
    db.write(lambda s: channels.turn_on(s, YOU, mine, wall_ms=5))
    place = (YOU, "email", str(mine))
    db.write(lambda s: channels.note_attempt(s, place, State.FAILED, "gone: no", wall_ms=5))
    row = db.read(lambda s: channels.get_channel(s, ME, mine))
    assert (row.label, row.off_reason, row.ok_wall_ms) == ("", "", None)


def test_the_order_can_be_changed_and_closes_up(db):
    one, two, three = (proven(db, address=f"{n}@example.org") for n in "abc")
    db.write(lambda s: channels.change_channel(s, ME, three, position=1))
    assert listed(db) == [three, one, two]
    db.write(lambda s: channels.change_channel(s, ME, three, position=9))
    assert listed(db) == [one, two, three]
    db.write(lambda s: channels.remove_channel(s, ME, one))
    positions = db.read(lambda s: [(r.channel_id, r.position) for r in channels.list_channels(s, ME)])
    assert positions == [(two, 1), (three, 2)]


def test_a_removed_channel_sends_its_alerts_home_and_its_number_never_comes_again(db):
    number = proven(db)
    new = NewRule(symbol="BTCUSDT", params={}, to_channel="email", to_place=str(number))
    rule = db.write(lambda s: add_rule(s, ME, new, now_ms=0, wall_ms=0).rule_id)
    theirs = db.write(lambda s: add_rule(s, YOU, new, now_ms=0, wall_ms=0).rule_id)
    db.write(lambda s: channels.remove_channel(s, ME, number))
    assert db.read(lambda s: get_rule(s, ME, rule).to_channel) == "telegram"
    assert db.read(lambda s: get_rule(s, YOU, theirs).to_channel) == "email"
    assert put(db).channel_id > number


def test_there_is_an_end_to_how_many_one_has(db):
    for n in range(channels.MOST):
        put(db, address=f"a{n}@example.org")
    with pytest.raises(UserError, match="10 channels"):
        put(db, address="b@example.org")
    later = T0 + channels.UNPROVEN_MS + 1
    put(db, address="b@example.org", at=later)  # what nobody proved in a day is gone
    assert len(listed(db)) == 1


def test_the_same_address_is_one_channel(db):
    first = put(db)
    assert put(db).channel_id == first.channel_id
    proven(db)
    assert put(db).verified_wall_ms == T0


def test_what_arrives_and_what_does_not_is_noted(db):
    number = proven(db)
    place = (ME, "email", str(number))

    def note(state, reason, at):
        db.write(lambda s: channels.note_attempt(s, place, state, reason, wall_ms=at))
        return db.read(lambda s: channels.get_channel(s, ME, number))

    assert note(State.RETRY, "it answered 503", 5).failed_reason == "it answered 503"
    off = note(State.FAILED, "gone: no such user", 6)
    assert (off.off_reason, off.failed_wall_ms, channels.usable(off)) == ("no such user", 6, False)
    on = note(State.ACCEPTED, "", 7)
    assert (on.off_reason, on.ok_wall_ms, channels.usable(on)) == ("", 7, True)


def test_a_code_proves_its_channel_once(db):
    row = put(db)
    sent = code(db, row)
    assert len(sent) == codes.DIGITS
    found = tried(db, f" {sent[:4]}-{sent[4:]} ")
    assert (found.channel_id, found.verified_wall_ms) == (row.channel_id, T0)
    assert tried(db, sent) is Tried.NONE


def test_a_code_ends_after_ten_minutes_or_five_wrong_ones(db):
    row = put(db)
    sent = code(db, row)
    assert tried(db, sent, at=T0 + codes.LIFE_MS) is Tried.EXPIRED
    sent = code(db, row)
    wrong = f"{(int(sent) + 1) % 10**8:08d}"
    for _ in range(codes.TRIES):
        assert tried(db, wrong) is Tried.WRONG
    assert tried(db, sent) is Tried.SPENT
    assert not db.read(lambda s: channels.get_channel(s, ME, row.channel_id)).verified_wall_ms


def test_a_later_code_replaces_the_one_before(db):
    row = put(db)
    first, second = code(db, row), code(db, row)
    assert tried(db, first) is Tried.WRONG
    assert tried(db, second).channel_id == row.channel_id


def test_a_code_is_good_for_nobody_else(db):
    mine, yours = put(db), put(db, YOU, "you@example.org")
    sent = code(db, mine)
    assert tried(db, sent, YOU) is Tried.NONE
    code(db, yours, "you@example.org")
    assert tried(db, sent, YOU) is Tried.WRONG
    assert tried(db, sent).channel_id == mine.channel_id


def test_a_stranger_cannot_be_bombed_by_many_users_or_spellings(db):
    spelled = ["you@example.org", "You+1@Example.org", "YOU@example.org"]
    for n, address in enumerate(spelled):
        assert isinstance(code(db, put(db, f"telegram:{n}", address), address), str)
    assert len(set(spelled)) == codes.A_DAY
    more = put(db, "telegram:9", "you@example.org")
    assert code(db, more, "you@example.org") is Limited.OFTEN
    assert code(db, more, "you@example.org", at=T0 + DAY_MS) is not Limited.OFTEN


def test_a_user_cannot_try_out_addresses(db):
    for n in range(codes.A_DAY):
        assert isinstance(code(db, put(db, address=f"a{n}@example.org"), f"a{n}@example.org"), str)
    assert code(db, put(db, address="b@example.org"), "b@example.org") is Limited.OFTEN
    assert isinstance(code(db, put(db, YOU, "b@example.org"), "b@example.org"), str)


def test_who_is_forgotten_does_not_begin_anew(db):
    for _ in range(codes.A_DAY):
        code(db, put(db))
    db.write(lambda s: forget._forget_state(s, ME))
    assert db.read(lambda s: s.scalars(select(OwnChannel.channel_id)).all()) == []
    assert db.read(lambda s: s.scalars(select(ChannelCode.channel_id)).all()) == []
    assert code(db, put(db)) is Limited.OFTEN
    assert MAIL not in str(db.read(lambda s: s.execute(text("SELECT * FROM code_marks")).all()))


def test_who_refused_codes_gets_none(db):
    row = put(db)
    code(db, row)

    def refuse(session):
        codes.refuse_codes(session, session.get(OwnChannel, row.channel_id), MAIL, SEALER, wall_ms=T0)

    db.write(refuse)
    assert listed(db) == []
    again = put(db, YOU, at=T0 + 30 * DAY_MS)
    assert code(db, again, at=T0 + 30 * DAY_MS) is Limited.REFUSED
    assert isinstance(code(db, again, at=T0 + 401 * DAY_MS), str)
    assert db.read(lambda s: s.scalars(select(CodeMark.refused)).all()) == [False, False]


def test_severities_are_kept_worst_or_not(db):
    number = proven(db)
    wanted = (Severity.CRITICAL, Severity.WARNING)
    row = db.write(lambda s: channels.change_channel(s, ME, number, severities=wanted))
    assert channels.takes(row) == frozenset(wanted)


@pytest.mark.parametrize(
    ("owner", "place"),
    [
        ("telegram:42", ("telegram", "telegram:42")),
        ("local:owner", ("inapp", "local:owner")),
        ("telegram:-1001", ("inapp", "telegram:-1001")),
    ],
)
def test_home_is_the_chat_of_a_person(owner, place):
    assert channels.home(owner) == place
