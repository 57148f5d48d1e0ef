"""Whole jobs: runs, estimators, a table and pictures."""
