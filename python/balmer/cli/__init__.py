"""The `balmer` command: a table in, laws out, from a terminal."""

from balmer.cli.app import main

__all__ = ["main"]
