"""Operators of the user's: a formula of some arguments, expanded wherever it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from balmer.errors import ConfigError
from balmer.expressions.expression import Expression
from balmer.expressions.parser import RESERVED_NAMES, is_bare_name, parse

__all__ = ["CustomOperator"]

_DEFINITION = re.compile(r"\s*([^\s(=]+)\s*\(([^()=]*)\)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True)
class CustomOperator:
    """An operator that stands for a formula, such as ``gauss(x) = exp(-x**2)``.

    Because it is expanded, it has derivatives, units and LaTeX, and every engine knows it.

    Parameters
    ----------
    name : str
        How it is called; not the name of an operator in the table.
    text : str or sympy expression
        The formula, in the grammar of `parse`. Decimals in it are free constants of every use.
    arguments : sequence of str
        Names of its arguments.

    Attributes
    ----------
    body : Expression
        The formula; feature ``k`` is argument ``k``.

    Raises
    ------
    ConfigError
        If the name is taken or cannot be written, or the text is no formula of the arguments.

    Examples
    --------
    >>> CustomOperator("gauss", "exp(-x**2)").arity
    1
    """

    name: str
    text: Any
    arguments: tuple[str, ...] = ("x",)
    body: Expression = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.name in RESERVED_NAMES:
            raise ConfigError(
                f"the custom operator {self.name!r} has the name of a known one; choose another"
            )
        if not is_bare_name(self.name):
            raise ConfigError(
                f"the custom operator {self.name!r} needs a name of letters, digits and underscores"
            )
        arguments = tuple(self.arguments)
        if not arguments or not all(isinstance(a, str) and is_bare_name(a) for a in arguments):
            raise ConfigError(f"the custom operator {self.name} needs named arguments, such as ('x', 'y')")
        object.__setattr__(self, "arguments", arguments)
        try:
            body = self._read(arguments)
        except ConfigError as error:
            raise ConfigError(f"custom operator {self.name}: {error}") from None
        object.__setattr__(self, "body", body)

    @property
    def arity(self) -> int:
        """Number of arguments."""
        return len(self.arguments)

    @classmethod
    def from_definition(cls, text: str) -> CustomOperator:
        """Read ``"gauss(x) = exp(-x**2)"``.

        Raises
        ------
        ConfigError
            If the text does not have this form, or as for the class.
        """
        found = _DEFINITION.fullmatch(text)
        if found is None:
            raise ConfigError(f"found {text!r}; a custom operator is defined like 'gauss(x) = exp(-x**2)'")
        name, arguments, body = found.groups()
        return cls(name, body.strip(), tuple(a.strip() for a in arguments.split(",")))

    def _read(self, arguments: tuple[str, ...]) -> Expression:
        if isinstance(self.text, str):
            return parse(self.text, arguments)
        from balmer.expressions.sympy_bridge import from_sympy

        return from_sympy(self.text, arguments)
