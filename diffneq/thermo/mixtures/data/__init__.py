"""Published constants and parameters as tables, each with its source."""
