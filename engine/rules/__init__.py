"""Evaluate conditions: when does a rule become true."""
