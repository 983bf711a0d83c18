"""Pictures on screen: one picture with zoom and pan, and two laid over each other."""
