-- Remember what a venue is known not to have, so that it is not asked for again: rows of a kind whose times lie
-- between two, both included. `what` is candles, open_interest, funding or ratios:KIND; `step_ms` is 0 for rows
-- at times of their own.

CREATE TABLE absences (
    venue VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    what VARCHAR NOT NULL,
    step_ms BIGINT NOT NULL,
    first_ts BIGINT NOT NULL,
    last_ts BIGINT NOT NULL,
    noted_ms BIGINT NOT NULL
);
