"""The canvas on which things in pictures are marked: what lies on it, and one file for each tool."""
