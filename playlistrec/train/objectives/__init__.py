"""Objectives: what a training step minimises."""
