"""Any venue that the library ccxt knows: its dictionaries as the engine's messages, and the way to them.

Only `client` touches the library, which is an optional extra.
"""
