"""Measure the market live: the numbers that rules look at, each kept once however many look at it."""
