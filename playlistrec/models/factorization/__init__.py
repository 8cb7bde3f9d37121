"""Matrix factorisation and factorisation machines."""
