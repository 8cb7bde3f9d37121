"""Where the events of a fit go beside the screen: one file for each tracker of experiments."""
