"""The look of the window: design tokens, one style sheet, recoloured icons."""
