"""Fetch the past of instruments from their venues into the store: what is lacking, and nothing else."""
