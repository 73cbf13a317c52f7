"""Tasks that are done by commands."""
