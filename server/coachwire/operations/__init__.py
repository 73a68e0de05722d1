"""What can be asked of the server: one function a request, each answered from one SQL file or a few."""
