"""Say at which price a leveraged position is liquidated, by the rules that each venue publishes.

`model` and `tiers` hold what there is (positions, maintenance tiers), `binance`, `bybit`, `okx` and
`hyperliquid` each venue's rules, `venues` finds them, `solve` finds the price, `isolated` and `cross` are
the two questions people ask, `ladder` answers the first for many entries and leverages at once.
Prices are in quote currency, quantities in base coins (contract sizes are an adapter's business).
"""
