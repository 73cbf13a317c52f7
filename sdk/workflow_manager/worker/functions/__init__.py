"""Tasks that are done by Python functions."""
