"""Masks as other tools write and read them, one file a format."""
