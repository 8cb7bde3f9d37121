"""Figures: one function each, drawn with matplotlib."""
