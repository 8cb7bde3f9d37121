"""Recommenders, one a file; :mod:`playlistrec.models.registry` knows them by name."""
