"""Volumes: scans in three dimensions as stacks of slices, from NIfTI files or folders of pictures."""
