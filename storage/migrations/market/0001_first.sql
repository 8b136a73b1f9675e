-- Lay out market history. Times are int64 ms UTC; NULL stands for "not known".
-- Keys are kept unique by the one writer (delete and insert in one transaction), without an index: an index
-- doubles the file and must be held in memory.

CREATE TABLE candles (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    step_ms BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    open DOUBLE NOT NULL,
    high DOUBLE NOT NULL,
    low DOUBLE NOT NULL,
    close DOUBLE NOT NULL,
    volume DOUBLE,
    quote_volume DOUBLE,
    taker_buy_volume DOUBLE
);

CREATE TABLE open_interest (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    open_interest DOUBLE NOT NULL
);

CREATE TABLE liquidation_snapshots (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    preset VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    blob BLOB NOT NULL
);

CREATE TABLE zone_events (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    change VARCHAR NOT NULL,
    zone_id VARCHAR NOT NULL,
    other VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    low DOUBLE NOT NULL,
    high DOUBLE NOT NULL,
    peak DOUBLE NOT NULL,
    notional_usd DOUBLE NOT NULL,
    share DOUBLE,
    percentile DOUBLE,
    born_ts BIGINT NOT NULL,
    updated_ts BIGINT NOT NULL,
    fraction DOUBLE,
    venue_share VARCHAR NOT NULL
);

CREATE TABLE alert_history (
    user_id VARCHAR NOT NULL,
    alert_id VARCHAR NOT NULL,
    rule_id BIGINT NOT NULL,
    market_ms BIGINT NOT NULL,
    wall_ms BIGINT NOT NULL,
    symbol VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    price DOUBLE,
    action VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    epoch BIGINT NOT NULL
);

CREATE TABLE engine_state (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    preset VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    heatmap BLOB NOT NULL,
    zones BLOB NOT NULL
);

CREATE TABLE gaps (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    first_ts BIGINT NOT NULL,
    last_ts BIGINT NOT NULL
);
