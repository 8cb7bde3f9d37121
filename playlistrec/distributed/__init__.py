"""The same work on several processes and machines, under ``torchrun``."""
