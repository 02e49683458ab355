"""Balmer finds the law in the data."""
