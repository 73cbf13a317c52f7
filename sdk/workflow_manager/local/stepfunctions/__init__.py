"""Step Functions of the embedded AWS: what moto lacks."""
