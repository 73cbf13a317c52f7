"""Output: tables, colours, progress and escaping."""
