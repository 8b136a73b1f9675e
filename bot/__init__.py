"""The process: what users ask, what they are told, and how it reaches them."""
