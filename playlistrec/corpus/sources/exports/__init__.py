"""A person's exports: playlists as services, players and exporters write them, one reader a format."""
