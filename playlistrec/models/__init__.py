"""Recommenders, one a file; :mod:`playlistrec.models.zoo` knows them by name."""
