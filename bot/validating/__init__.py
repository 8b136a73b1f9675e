"""Record a venue for hours, and score what was predicted against what was liquidated."""
