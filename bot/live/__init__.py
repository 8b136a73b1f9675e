"""What the market looks like now: prices, candles, heatmap and zones of every symbol."""
