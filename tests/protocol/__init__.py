"""The wire contract, tested with literal frames and without I/O."""
