"""The HTTP API that docs/api.md describes: requests and answers as models, one table of routes."""
