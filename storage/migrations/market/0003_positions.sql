-- Keep heatmap columns of other lengths and scales beside each other, and what each candle moved.
-- `usd_scale` is the dollars of a unit of mass that a column was made with; NULL in rows from before.

ALTER TABLE liquidation_snapshots ADD COLUMN step_ms BIGINT DEFAULT 300000;
ALTER TABLE liquidation_snapshots ADD COLUMN usd_scale DOUBLE;

CREATE TABLE position_events (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    preset VARCHAR NOT NULL,
    ts BIGINT NOT NULL,
    long_entered FLOAT NOT NULL,
    long_swept FLOAT NOT NULL,
    long_taken FLOAT NOT NULL,
    long_decayed FLOAT NOT NULL,
    long_closed FLOAT NOT NULL,
    short_entered FLOAT NOT NULL,
    short_swept FLOAT NOT NULL,
    short_taken FLOAT NOT NULL,
    short_decayed FLOAT NOT NULL,
    short_closed FLOAT NOT NULL
);
