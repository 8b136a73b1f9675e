"""The commands in a terminal, with no account anywhere: alone, or joined to a running process."""
