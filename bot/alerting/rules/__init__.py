"""Evaluate stored rules in the running process, and make fires of what they see."""
