"""The frame around the pages: rail, top bar, command palette, notices."""
