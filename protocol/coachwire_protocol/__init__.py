"""The wire contract as types: every frame, event, error and close code. Pure, without I/O."""
