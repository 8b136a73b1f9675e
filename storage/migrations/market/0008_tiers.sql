-- Keep the margin tiers that were read from venues, so that a start without them knows the newest. `tiers` is
-- JSON: a list of [cap, rate, highest leverage, amount], smallest first, a cap of null for one without end.

CREATE TABLE margin_tiers (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    read_ms BIGINT NOT NULL,
    as_of VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    tiers VARCHAR NOT NULL
);
