"""What Balmer raises: one clear sentence that names the column, row, option or file."""

from __future__ import annotations

__all__ = ["BalmerError", "BalmerWarning", "ConfigError", "DataError", "EngineError", "UnitError"]


class BalmerError(Exception):
    """A mistake in the input that the user can mend; the message says which and how."""


class DataError(BalmerError, ValueError):
    """The table cannot be used as it is."""


class UnitError(BalmerError, ValueError):
    """A unit is unknown, or units do not fit together."""


class ConfigError(BalmerError, ValueError):
    """An option, operator or formula is not accepted."""


class EngineError(BalmerError, RuntimeError):
    """An engine is missing or cannot run the problem."""


class BalmerWarning(UserWarning):
    """Something was done otherwise than asked, and the user should know."""
