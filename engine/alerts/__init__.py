"""Decide what becomes of a fire: one pure stage a file, each returning an action and a reason."""
