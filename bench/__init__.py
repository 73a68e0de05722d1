"""What a message costs, measured from outside: `python -m bench.messages`."""
