"""The page, its API and streams, and the chat panel, over HTTP."""
