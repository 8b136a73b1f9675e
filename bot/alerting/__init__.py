"""Turn prices into alerts: watch, walk the pipeline, write what it decides, look after what waits."""
