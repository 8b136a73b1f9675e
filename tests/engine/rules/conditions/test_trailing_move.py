"""When trailing move is true, and when it is not."""


def test_a_pullback_is_no_bounce(rule):
    back, bounce = rule("btc pulls back 5% in 24h"), rule("btc bounces 5% in 24h")
    assert back.after(fall=0.05, rise=0.5) == []
    assert back.after(fall=0.051) == [0]
    assert bounce.after(rise=0.05, fall=0.5) == []
    assert bounce.after(rise=0.051) == [0]
    assert back.after(fall=0.0401) == [0]
    assert back.after(fall=0.0399) == []
    assert "5 % below its high of the last 1 day" in back.sentence
    assert "5 % above its low" in bounce.sentence


def test_what_cannot_be(refused):
    assert "out of range" in refused("trailing_move", by=0.0)
