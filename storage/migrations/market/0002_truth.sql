-- Keep what people bring in (apart from what a source recorded, so that neither changes the other), and what
-- was measured with it.

CREATE TABLE imported_candles (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    step_ms BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    open DOUBLE NOT NULL,
    high DOUBLE NOT NULL,
    low DOUBLE NOT NULL,
    close DOUBLE NOT NULL,
    volume DOUBLE NOT NULL,
    quote_volume DOUBLE,
    taker_buy_volume DOUBLE
);

CREATE TABLE imported_open_interest (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    open_interest DOUBLE NOT NULL
);

CREATE TABLE imported_liquidations (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    step_ms BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    long_usd DOUBLE NOT NULL,
    short_usd DOUBLE NOT NULL
);

-- `nth` tells apart liquidations that are alike in everything else.
CREATE TABLE imported_liquidation_events (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    side VARCHAR NOT NULL,
    price DOUBLE NOT NULL,
    quantity DOUBLE NOT NULL,
    nth BIGINT NOT NULL
);

CREATE TABLE accuracy_reports (
    symbol VARCHAR NOT NULL,
    made_ms BIGINT NOT NULL,
    report VARCHAR NOT NULL
);

CREATE TABLE calibrations (
    symbol VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    made_ms BIGINT NOT NULL,
    body VARCHAR NOT NULL
);
