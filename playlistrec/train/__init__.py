"""Losses, and the loop that fits gradient models."""
