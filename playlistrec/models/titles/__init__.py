"""Recommenders that read the titles of playlists."""
