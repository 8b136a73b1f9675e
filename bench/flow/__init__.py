"""Variants of `flow`, and how they are judged on reported liquidations."""
