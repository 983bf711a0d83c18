"""Segment Anything: base models, ways to adapt them, masks and their measures, exported files."""
