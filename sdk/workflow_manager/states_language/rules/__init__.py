"""The rules of the States Language, one module a kind."""
