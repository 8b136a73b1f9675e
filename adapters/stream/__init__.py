"""Keep a venue's sockets open and read them: what a venue says of itself, and what is done with it.

A venue describes its topics, messages and manners and parses its frames; it opens nothing and waits for
nothing. `VenueStream` does the rest, once for all venues.
"""
