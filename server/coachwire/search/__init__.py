"""Search in messages: what a text is found by, and the worker that keeps the index."""
