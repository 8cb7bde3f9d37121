"""The same fit on several processes and machines, under ``torchrun``."""
