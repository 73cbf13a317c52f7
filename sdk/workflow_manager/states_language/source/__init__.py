"""Reading definitions from JSON and YAML, with the line of everything."""
