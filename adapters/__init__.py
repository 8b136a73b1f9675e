"""Exchanges and recordings, turned into the engine's messages."""
