"""The Julia engine; importing it starts no Julia, and the engine itself is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from balmer.engines.julia.engine import JuliaEngine

__all__ = ["JuliaEngine"]


def __getattr__(name: str) -> Any:
    if name == "JuliaEngine":
        from balmer.engines.julia.engine import JuliaEngine

        return JuliaEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
