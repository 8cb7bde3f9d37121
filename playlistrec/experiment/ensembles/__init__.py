"""Fitting models that are made of runs."""
