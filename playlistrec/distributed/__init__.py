"""Fits, evaluations and batches on several processes and machines, under ``torchrun``."""
