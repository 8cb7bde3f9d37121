"""Candidates of several models, ranked again by gradient-boosted trees."""
