"""Graph neural networks over playlists, tracks and artists."""
