"""Recommenders by similarity: user and item neighbours."""
