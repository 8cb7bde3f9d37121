"""The model for some data, chosen: by its size at once, or by trying several within a time."""
