"""Published coefficients, one file a source, each with its citation."""
