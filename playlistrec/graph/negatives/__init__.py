"""Negative samplers: random ones, hard ones that a model finds likely, and hard ones that the graph has nearby."""
