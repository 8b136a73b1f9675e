"""All rules are read at once for the evaluator, as they are stored."""

import json

from storage.rules import READ_ROWS, NewRule, add_rule, read_rules, update_rule
from storage.state_db import StateDatabase


def test_everybodys_rules_are_read_in_order_but_for_paused_ones(tmp_path):
    database = StateDatabase.open(f"sqlite:///{tmp_path / 'state.db'}")
    count = READ_ROWS + 3

    def fill(session):
        for n in range(count):
            new = NewRule(symbol=f"COIN{n % 3}USDT", kind="price_level", params={"value": n + 0.1})
            add_rule(session, f"telegram:{n % 7}", new, now_ms=0, wall_ms=0, limit=count)
        update_rule(session, "telegram:1", 2, paused=True)

    try:
        database.write(fill)
        found = database.read(read_rules)
    finally:
        database.close()
    assert found.rule_id == [1, *range(3, count + 1)]
    assert [json.loads(text)["value"] for text in found.params] == [n - 1 + 0.1 for n in found.rule_id]
    assert found.symbol[:3] == ["COIN0USDT", "COIN2USDT", "COIN0USDT"]
    assert set(found.kind) == {"price_level"}
