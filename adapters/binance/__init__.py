"""Binance USD-M futures: what its frames and answers mean, and how they are asked for. No sockets here."""
