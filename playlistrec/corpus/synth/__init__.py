"""Synthetic playlists in the likeness of the Million Playlist Dataset."""
