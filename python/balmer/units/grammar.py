"""The spelling of a unit: text to a product of symbols with rational powers, and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

from balmer.errors import UnitError

__all__ = ["Factor", "factorise", "is_number", "latex_of", "merge", "text_of"]

Factor = tuple[str, Fraction]
"""A symbol (a unit's name, or a number such as ``"10"``) and its power."""

_SPELT_DIMENSIONLESS = frozenset({"", "1", "dimensionless", "unitless", "none", "-", "#"})
_LARGEST_POWER = 99
_SUPERSCRIPTS = "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
_FROM_SUPERSCRIPT = str.maketrans(_SUPERSCRIPTS, "+-0123456789")
# Not \w: that would take the superscript of 's²' for a part of the name.
_LETTER = rf"[^\W\d{_SUPERSCRIPTS}]"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>{_LETTER}(?:{_LETTER}|\d)*|°[CF]?|[%‰′″'"])
    | (?P<raised>[{_SUPERSCRIPTS}]+)
    | (?P<op>\*\*|[*×·⋅.^/(){{}}+-])""",
    re.VERBOSE,
)
# 'm-3' and 's2' are the spelling of FITS and of the CF conventions; 'H2O' and 'a0' are names.
_NAME_AND_POWER = re.compile(r"([^\W\d_]+)([1-9])")


def factorise(text: str) -> tuple[Factor, ...]:
    """Split the text of a unit into symbols and powers, without asking what the symbols mean.

    Parameters
    ----------
    text : str
        For instance ``km/s/Mpc``, ``kg m s^-2``, ``m**2``, ``J*s``, ``m s⁻¹``, ``AU^(3/2)``, ``J/(kg K)``.

    Returns
    -------
    tuple of (str, Fraction)
        In the order of the text, each symbol once; empty for ``""``, ``1``, ``dimensionless``, ``unitless``,
        ``none``, ``-`` and ``#``.

    Raises
    ------
    UnitError
        If the text is no product of powers, or if a product after a slash could be read in two ways.
    """
    plain = unicodedata.normalize("NFC", text).strip()
    if plain.lower() in _SPELT_DIMENSIONLESS:
        return ()
    return merge(_Reader(plain).read())


def merge(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Add up the powers of equal symbols and leave out those that cancel."""
    powers: dict[str, Fraction] = {}
    for symbol, power in factors:
        powers[symbol] = powers.get(symbol, Fraction(0)) + power
    return tuple((symbol, power) for symbol, power in powers.items() if power and symbol != "1")


def text_of(factors: Sequence[Factor]) -> str:
    """Write factors so that `factorise` reads them back: ``kg*m/s^2``, ``day/AU^(3/2)``, ``1/s``, ``1``."""
    above = "*".join(_spelt(symbol, power) for symbol, power in factors if power > 0)
    below = "".join("/" + _spelt(symbol, -power) for symbol, power in factors if power < 0)
    return (above or "1") + below


def latex_of(factors: Sequence[Factor]) -> str:
    r"""Write factors for LaTeX math: ``\mathrm{day}\,\mathrm{AU}^{-3/2}``; empty for a pure number."""
    return r"\,".join(
        _latex_symbol(symbol) + ("" if power == 1 else f"^{{{power}}}") for symbol, power in factors
    )


def is_number(symbol: str) -> bool:
    """Whether a factor's symbol is a number, as ``10`` in ``10^-3 kg``."""
    return symbol[0].isdigit()


class _Reader:
    """Reads one unit by recursive descent; `at` is the position in the list of tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0

    def read(self) -> list[Factor]:
        factors = self.product()
        if self.at < len(self.tokens):
            raise self.error(f"'{self.tokens[self.at][1]}' is out of place")
        return factors

    def product(self) -> list[Factor]:
        factors = self.power()
        divided = False
        while self.at < len(self.tokens) and self.tokens[self.at][1] not in (")", "}"):
            sign = 1
            kind, token = self.tokens[self.at]
            if token == "/":
                sign, divided = -1, True
                self.at += 1
            elif token in ("*", "×"):
                self.at += 1
            elif token in ("·", "⋅", ".") or kind in ("name", "number") or token == "(":
                # In print 'J/kg K' and 'J/kg·K' mean J/(kg K), in a program (J/kg)·K: a silent factor of K².
                if divided:
                    raise self.error(
                        "a product after a slash is ambiguous; use parentheses, as in 'J/(kg K)'"
                    )
                self.at += token in ("·", "⋅", ".")
            else:
                raise self.error(f"'{token}' is out of place")
            factors += [(symbol, sign * power) for symbol, power in self.power()]
        return factors

    def power(self) -> list[Factor]:
        factors = self.atom()
        kind, token = self.peek()
        raised = Fraction(1)
        if kind == "raised":
            self.at += 1
            raised = self.rational(token.translate(_FROM_SUPERSCRIPT))
        elif token in ("^", "**"):
            self.at += 1
            raised = self.exponent()
        elif token in ("-", "+") and factors[0][0] != "1" and self.is_integer(self.at + 1):
            self.at += 2
            raised = self.rational(token + self.tokens[self.at - 1][1])
        return [(symbol, power * raised) for symbol, power in factors]

    def atom(self) -> list[Factor]:
        kind, token = self.peek()
        self.at += 1
        if kind == "number":
            return [(token, Fraction(1))]
        if kind == "name":
            split = _NAME_AND_POWER.fullmatch(token)
            return [(split[1], Fraction(split[2]))] if split else [(token, Fraction(1))]
        if token == "(":
            factors = self.product()
            self.expect(")")
            return factors
        self.at -= 1
        raise self.error(f"'{token}' is out of place" if token else "it ends too early")

    def exponent(self) -> Fraction:
        close = {"(": ")", "{": "}"}.get(self.peek()[1])
        self.at += close is not None
        value = self.signed_number()
        if close is not None:
            if self.peek()[1] == "/":
                self.at += 1
                below = self.signed_number()
                if not below:
                    raise self.error("an exponent is divided by zero")
                value = self.bounded(value / below)
            self.expect(close)
        return value

    def signed_number(self) -> Fraction:
        sign = ""
        if self.peek()[1] in ("-", "+"):
            sign = self.peek()[1]
            self.at += 1
        kind, token = self.peek()
        if kind != "number":
            raise self.error("after ^ a number is expected, as in 'm^2', 's^-1' or 'm^(3/2)'")
        self.at += 1
        return self.rational(sign + token)

    def rational(self, digits: str) -> Fraction:
        # No 1e99999999, which would be a huge integer; no '+-' out of superscripts.
        if not re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,9})?", digits):
            raise self.error(f"'{digits}' is not an exponent")
        return self.bounded(Fraction(digits))

    def bounded(self, power: Fraction) -> Fraction:
        if abs(power) > _LARGEST_POWER or power.denominator > _LARGEST_POWER:
            raise self.error(f"the exponent {power} is beyond {_LARGEST_POWER}")
        return power

    def is_integer(self, at: int) -> bool:
        return at < len(self.tokens) and self.tokens[at][0] == "number" and self.tokens[at][1].isdecimal()

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")

    def expect(self, token: str) -> None:
        if self.peek()[1] != token:
            raise self.error(f"a '{token}' is missing")
        self.at += 1

    def error(self, reason: str) -> UnitError:
        return UnitError(f"cannot read the unit '{self.text}': {reason}")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnitError(f"cannot read the unit '{text}': '{text[at]}' is out of place")
        if match.lastgroup != "space":
            found.append((str(match.lastgroup), match.group()))
        at = match.end()
    return found


def _spelt(symbol: str, power: Fraction) -> str:
    if power == 1:
        return symbol
    return f"{symbol}^{power}" if power.denominator == 1 else f"{symbol}^({power})"


_LATEX = {
    "%": r"\%",
    "°": r"{}^{\circ}",
    "deg": r"{}^{\circ}",
    "Å": r"\mathrm{\mathring{A}}",
    "Angstrom": r"\mathrm{\mathring{A}}",
    "angstrom": r"\mathrm{\mathring{A}}",
    "hbar": r"\hbar",
    "ħ": r"\hbar",
    "Ω": r"\Omega",
    "ohm": r"\Omega",
    "c": "c",
    "k_B": r"k_{\mathrm{B}}",
    "M_sun": r"M_{\odot}",
    "Msun": r"M_{\odot}",
    "L_sun": r"L_{\odot}",
    "R_sun": r"R_{\odot}",
}


def _latex_symbol(symbol: str) -> str:
    if symbol in _LATEX:
        return _LATEX[symbol]
    if is_number(symbol):
        return symbol
    if symbol[0] in "µμ":
        return rf"\mathrm{{\mu {symbol[1:]}}}"
    escaped = symbol.replace("_", r"\_").replace("%", r"\%").replace("Ω", r"\Omega ")
    return rf"\mathrm{{{escaped}}}"
