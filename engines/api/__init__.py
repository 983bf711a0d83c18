"""What outsiders may import from the engines: messages, settings and job descriptions. Torch-free."""
