"""The audit: who changed what, and who was refused what."""
