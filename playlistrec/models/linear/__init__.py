"""Linear recommenders in closed form: EASE, GF-CF and ChebyCF."""
