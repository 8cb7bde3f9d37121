"""Linear recommenders in closed form: EASE and GF-CF."""
