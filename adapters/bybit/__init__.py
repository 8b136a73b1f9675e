"""Read Bybit's linear perpetuals: frames, answers and streams as plain values, without a socket."""
