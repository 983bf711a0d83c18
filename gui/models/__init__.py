"""Qt item models over the documents of a project."""
