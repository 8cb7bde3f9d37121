"""Scores in, ranks and their metrics out."""
