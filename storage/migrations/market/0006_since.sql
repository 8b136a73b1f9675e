-- Say from when on the candles were known that a heatmap column was made from; NULL in rows from before.

ALTER TABLE liquidation_snapshots ADD COLUMN since_ts BIGINT;
