"""Balmer finds the law in the data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from balmer.data import Dataset
    from balmer.errors import BalmerError, ConfigError, DataError, EngineError, UnitError
    from balmer.expressions import CustomOperator, Expression, parse
    from balmer.search import (
        Budget,
        Discovery,
        Front,
        Law,
        Objective,
        Problem,
        SearchSpace,
        discover,
        discover_all,
    )

__all__ = [
    "BalmerError",
    "Budget",
    "ConfigError",
    "CustomOperator",
    "DataError",
    "Dataset",
    "Discovery",
    "EngineError",
    "Expression",
    "Front",
    "Law",
    "Objective",
    "Problem",
    "SearchSpace",
    "UnitError",
    "discover",
    "discover_all",
    "parse",
]

# Importing Balmer costs a few milliseconds; what a name needs is imported when the name is first used.
_HOMES = {
    "balmer.data": ("Dataset",),
    "balmer.errors": ("BalmerError", "ConfigError", "DataError", "EngineError", "UnitError"),
    "balmer.expressions": ("CustomOperator", "Expression", "parse"),
    "balmer.search": (
        "Budget",
        "Discovery",
        "Front",
        "Law",
        "Objective",
        "Problem",
        "SearchSpace",
        "discover",
        "discover_all",
    ),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'balmer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
