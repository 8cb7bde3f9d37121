"""Batches: which playlists, tracks and negatives a training step sees."""
