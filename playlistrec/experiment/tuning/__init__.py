"""Searching the options of a model on the validation part."""
