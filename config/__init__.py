"""Settings: what may be set, where it came from, and what to do when it is wrong."""
