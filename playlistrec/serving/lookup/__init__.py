"""From what a person writes to rows of the data: tracks, artists, playlists, files."""
