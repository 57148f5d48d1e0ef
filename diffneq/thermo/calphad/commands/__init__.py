"""What the program `diffneq` does with databases: one module a command."""
