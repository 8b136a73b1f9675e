"""The load of `bench chat` is real: everybody is answered, and one who is not is counted."""

import json

import pytest

from bench import chat
from bench.chat_tally import ACK_S, Tally, Wait
from engine.errors import LiqwatchError


async def test_a_small_crowd_on_both_platforms_is_answered_by_the_product_whole(tmp_path):
    load = chat.Load(users=4, seconds=1.0, warm_s=0.2, discord_every_s=0.5, telegram_every_s=0.5)
    found = await chat.measure(tmp_path, load)
    assert (found["unanswered"], found["missed_acks"], found["refused_calls"]) == (0, 0, 0)
    assert 0 < found["reply_p50_ms"] <= found["reply_p99_ms"]
    assert found["commands_per_s"] >= 8
    assert found["pictures_per_s"] > 0
    assert found["loop_lag_p99_ms"] >= 0


def waited(*, ack_s, reply_s, acks=True):
    wait, tally = Wait(), Tally()
    wait.ack_s, wait.reply_s = ack_s, reply_s
    wait.count(tally, acks=acks)
    return tally


def test_a_sign_that_is_late_or_never_comes_is_missed():
    assert waited(ack_s=None, reply_s=None).missed_acks == 1
    assert waited(ack_s=ACK_S + 0.1, reply_s=4.0).missed_acks == 1
    assert waited(ack_s=ACK_S - 0.1, reply_s=4.0).missed_acks == 0
    assert waited(ack_s=None, reply_s=1.0, acks=False).missed_acks == 0


def test_one_without_an_answer_is_counted_and_tallies_survive_the_wire():
    lost, served = waited(ack_s=0.1, reply_s=None), waited(ack_s=0.1, reply_s=0.2)
    both = Tally(**json.loads(json.dumps(lost.plain())))
    both.add(served)
    assert (both.asked, both.unanswered, both.reply_s) == (2, 1, [0.2])


def test_a_load_that_nobody_answered_has_no_figures():
    with pytest.raises(LiqwatchError, match="nobody was answered"):
        chat.figures(Tally(asked=3, unanswered=3), Tally(), seconds=1.0)
