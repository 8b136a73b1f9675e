"""Score predictions against reported liquidations: curves, folds, baselines, placebos, intervals.

Everything here is numpy on arrays of hours and knows no model but as a preset put into the kernel.
"""
