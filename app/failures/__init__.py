"""What failures have in common: the sentence that tells, and the fingerprint by which equal failures are found."""
