"""Who calls, and what they may do: principals, roles, keys and tokens."""
