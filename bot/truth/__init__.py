"""Measure accuracy with the data there is: import, measure, calibrate, show, and remember what was found."""
