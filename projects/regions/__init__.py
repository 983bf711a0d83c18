"""Regions: which pixels of a picture belong to an object. Masks without loss, outlines of them, and the files of other tools."""
