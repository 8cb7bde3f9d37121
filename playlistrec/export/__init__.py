"""Taking a fitted model elsewhere: vectors, indices, a module and a graph that need nothing of this package."""
