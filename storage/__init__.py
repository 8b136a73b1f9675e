"""Keep what must outlive the process: market data in DuckDB, what users own in SQL."""
