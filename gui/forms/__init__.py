"""Forms drawn from a settings schema: one file for each kind of field, values back exactly as they came."""
