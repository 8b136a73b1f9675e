-- Keep what venues report of liquidations, funding and ratios. One venue was read when this was laid out.

CREATE TABLE liquidations (
    symbol VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    side VARCHAR NOT NULL,
    price DOUBLE NOT NULL,
    price_kind VARCHAR NOT NULL,
    quantity DOUBLE NOT NULL,
    notional_usd DOUBLE NOT NULL,
    received_ms BIGINT NOT NULL,
    venue_id VARCHAR NOT NULL,
    nth BIGINT NOT NULL
);

CREATE TABLE funding_rates (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    funding_ts BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    rate DOUBLE NOT NULL,
    interval_h DOUBLE,
    settled BOOLEAN NOT NULL
);

CREATE TABLE long_short_ratios (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    step_ms BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    ratio DOUBLE NOT NULL
);

CREATE TABLE exchange_health (
    venue VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);
