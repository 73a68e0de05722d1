"""What the command line does beside starting a server."""
