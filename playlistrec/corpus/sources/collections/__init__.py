"""Research collections that can be had: each in the files in which it is published, one reader a collection."""
