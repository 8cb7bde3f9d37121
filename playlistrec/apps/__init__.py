"""What people do with a corpus or a trained recommender."""
