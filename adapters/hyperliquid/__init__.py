"""Hyperliquid's perpetuals: frames, answers and topics as the engine's messages, without a socket."""
