"""Readers: files as people and collections have them, one reader a format."""
