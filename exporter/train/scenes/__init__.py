"""The second bundled model: scenes with shaded objects, one or two of them, and a camera."""
