"""What the command `diffneq vle` does."""
