"""Experiments: a data folder preprocessed, models fitted into run folders, compared and tuned."""
