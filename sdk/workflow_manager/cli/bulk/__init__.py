"""Actions on one workflow or on many."""
