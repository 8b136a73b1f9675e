-- Say of each liquidation which exchange it happened on; those from before were Binance's.

ALTER TABLE liquidations ADD COLUMN exchange VARCHAR DEFAULT 'binance';
