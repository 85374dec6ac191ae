"""The recipes: one file for each kind of work, each read from top to bottom."""
