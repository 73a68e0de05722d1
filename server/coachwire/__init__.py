"""Coachwire: a real-time messaging server for coaching platforms."""
