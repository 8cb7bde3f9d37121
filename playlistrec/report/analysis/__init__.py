"""Statistics of data and runs."""
