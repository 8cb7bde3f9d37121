"""Recommenders that read a playlist in order."""
