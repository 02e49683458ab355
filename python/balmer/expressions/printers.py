"""Infix text of an Expression, with as few parentheses as the parser needs to read the same formula back.

The law: ``parse(to_text(e, names), names)`` is ``e`` with the parser's folds made (``-3`` and ``1/2`` are one
number, as are the names of others, ``2*pi`` and ``log(2)``; a literal power 2, 3, 1/2, -1 is square, cube, sqrt,
inv). A free constant is never lost in a fold,
and a literal never becomes free. LaTeX is in `balmer.expressions.latex`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from balmer.errors import ConfigError
from balmer.expressions.expression import Expression
from balmer.expressions.literals import decimal_text, known_number
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, VARIABLE
from balmer.expressions.parser import is_bare_name

__all__ = ["Level", "feature_names", "to_text"]


class Level(IntEnum):
    """How tightly a piece of text holds together."""

    SUM = 1
    PRODUCT = 2
    SIGN = 3
    POWER = 4
    ATOM = 5


class _Text(NamedTuple):
    text: str
    level: Level

    def at(self, level: Level) -> str:
        return self.text if self.level >= level else f"({self.text})"

    def on_the_right(self, level: Level) -> str:
        """As a right operand: a sign there reads badly even where it is unambiguous."""
        return f"({self.text})" if self.text.startswith("-") else self.at(level)


def to_text(
    expression: Expression,
    names: Sequence[str] | None = None,
    digits: int | Sequence[int | None] | None = None,
    constants: Sequence[str] | None = None,
) -> str:
    """Infix text that `parse` reads back.

    Parameters
    ----------
    expression : Expression
    names : sequence of str, optional
        Name of each feature; x0, x1, ... without. Names that cannot stand bare are put in backticks.
    digits : int or sequence of int, optional
        Significant digits of the free constants, of all or of each in postfix order; without, they read back exactly.
    constants : sequence of str, optional
        A symbol for each free constant, in postfix order, shown in place of its value.

    Raises
    ------
    ConfigError
        If there are fewer names or symbols than features or constants.
    """
    shown = [name if is_bare_name(name) else _quoted(name) for name in feature_names(expression, names)]
    which = constant_numbers(expression, constants)

    def leaf(i: int) -> _Text:
        op, value = expression.ops[i], float(expression.values[i])
        if op == VARIABLE:
            return _Text(shown[expression.args[i]], Level.ATOM)
        if op == LITERAL:
            return _literal(value)
        if constants is not None:
            return _Text(constants[which[i]], Level.ATOM)
        return _signed(decimal_text(value, digits_of(digits, which[i])))

    def node(i: int, below: list[_Text]) -> _Text:
        return _join(OPERATORS_BY_CODE[int(expression.ops[i])].name, below)

    return str(expression.fold(leaf, node).text)


def feature_names(expression: Expression, names: Sequence[str] | None) -> list[str]:
    """The given names, or x0, x1, ... as far as the formula needs them.

    Raises
    ------
    ConfigError
        If a feature of the formula has no name.
    """
    needed = max(expression.variables, default=-1) + 1
    if names is None:
        return [f"x{k}" for k in range(needed)]
    if len(names) < needed:
        raise ConfigError(f"the formula uses {needed} features, {len(names)} names were given")
    return list(names)


def digits_of(digits: int | Sequence[int | None] | None, constant: int) -> int | None:
    """Significant digits of the constant of that number."""
    return digits if digits is None or isinstance(digits, int) else digits[constant]


def constant_numbers(expression: Expression, constants: Sequence[object] | None) -> list[int]:
    """At each position of a CONSTANT its number among them.

    Raises
    ------
    ConfigError
        If ``constants`` is given with fewer entries than the formula has constants.
    """
    if constants is not None and len(constants) < expression.n_constants:
        raise ConfigError(
            f"the formula has {expression.n_constants} constants, {len(constants)} symbols were given"
        )
    numbers: list[int] = (np.cumsum(expression.ops == CONSTANT) - 1).tolist()
    return numbers


def _join(name: str, below: list[_Text]) -> _Text:
    first, second = below[0], below[-1]
    match name:
        case "add" | "sub":
            sign = "+" if name == "add" else "-"
            return _Text(f"{first.text} {sign} {second.on_the_right(Level.PRODUCT)}", Level.SUM)
        case "mul" | "div":
            sign = "*" if name == "mul" else "/"
            return _Text(f"{first.at(Level.PRODUCT)}{sign}{second.on_the_right(Level.SIGN)}", Level.PRODUCT)
        case "neg":
            return _Text(f"-{first.at(Level.POWER)}", Level.SIGN)
        case "pow" if second.text != "0.5":
            return _Text(f"{first.at(Level.ATOM)}**{second.at(Level.SIGN)}", Level.POWER)
        case "square" | "cube" | "inv":
            power = {"square": "2", "cube": "3", "inv": "-1"}[name]
            return _Text(f"{first.at(Level.ATOM)}**{power}", Level.POWER)
    # Among them pow(u, 0.5): as u**0.5 the free exponent would be read as a square root.
    return _Text(f"{name}({', '.join(piece.text for piece in below)})", Level.ATOM)


def _literal(value: float) -> _Text:
    known = known_number(value)
    if known is None:
        text = f"exact({decimal_text(abs(value))})"
        return _signed(text if value > 0 else f"-{text}")
    text = "-0" if str(value) == "-0.0" else known.text
    if "/" in text or not (known.is_rational or abs(known.fraction) == 1):
        return _Text(text, Level.PRODUCT)
    return _Text(text, Level.POWER) if "**" in text and value > 0 else _signed(text)


def _signed(number: str) -> _Text:
    return _Text(number, Level.SIGN if number.startswith("-") else Level.ATOM)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
