"""OKX: linear perpetual swaps in USDT and USDC, from its public frames and answers."""
