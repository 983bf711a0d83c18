"""The interactive worker: keeps models warm and answers the window's requests as JSON lines over its pipes."""
