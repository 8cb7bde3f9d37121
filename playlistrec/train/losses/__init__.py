"""Losses: pure functions of tensors, each a scalar."""
