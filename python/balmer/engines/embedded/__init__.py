"""The embedded engine; importing it loads numba."""

from balmer.engines.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
