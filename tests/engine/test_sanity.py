"""A table that was read anew is doubted where a change of format would show."""

import math
from dataclasses import replace

import pytest

from config.tiers import TierBook
from engine.margin.sanity import doubt
from engine.margin.tiers import TierTable, TierUnit, make_tiers

ROWS = [(300_000.0, 0.004, 150.0), (800_000.0, 0.005, 100.0)]


def table(rows=ROWS, **changes) -> TierTable:
    made = TierTable(venue="v", symbol="BTCUSDT", as_of="2026-11-20", source="s", tiers=make_tiers(rows))
    return replace(made, **changes)


def test_every_shipped_table_would_be_taken():
    book = TierBook()
    for venue in book.venues:
        for each in book.venue(venue).tables.values():
            assert doubt(each, each) == "", (venue, each.symbol)


def test_what_changed_a_little_is_taken():
    assert doubt(table([(1e6, 0.005, 100.0)]), table()) == ""
    assert doubt(table([(math.inf, 0.0125, 40.0)]), table()) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (table([(300_000.0, 0.4, 150.0)]), "liquidated at once"),
        (table([(300_000.0, 0.00001, 150.0)]), "too low"),
        (table([(300_000.0, 0.0005, 1500.0)]), "not offered anywhere"),
        (table([(300_000.0, 0.05, 10.0)]), "its first rate is 0.05, and was 0.004"),
        (table([(900.0, 0.004, 150.0)]), ""),
        (table([(700.0, 0.004, 150.0)]), "it ends at 700 dollars"),
        (table(unit=TierUnit.COINS), "it goes by coins"),
        (
            table(tiers=(make_tiers(ROWS)[0], replace(make_tiers(ROWS)[1], amount=3_000.0))),
            "the amount above 300000 is 3000, and 300 by its rates",
        ),
    ],
)
def test_a_change_of_format_is_not(found, why):
    said = doubt(found, table())
    assert why in said
    assert bool(said) == bool(why)


def test_without_a_table_before_only_the_table_itself_counts():
    assert doubt(table(unit=TierUnit.COINS)) == ""
    assert "liquidated at once" in doubt(table([(300_000.0, 0.4, 150.0)]))
