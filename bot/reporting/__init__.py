"""Post what servers and people want to see again and again: scheduled reports, and dashboards kept fresh."""
