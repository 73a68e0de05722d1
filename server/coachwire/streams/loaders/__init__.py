"""What events tell, read as it is now: a module a noun, each entered for the kinds of events that it reads."""
