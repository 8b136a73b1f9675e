"""Carry alerts from the outbox to where the trader is: worker, pacing, and one module per channel."""
