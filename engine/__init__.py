"""The domain: what a liquidation heatmap is and when a trader is told. No input or output, no clock."""
