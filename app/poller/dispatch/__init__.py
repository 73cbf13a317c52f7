"""Starting workflows that wait."""
