"""Recommenders made of several others."""
