"""Reads units: our grammar splits the text, pint knows what each name means."""

from __future__ import annotations

import difflib
import functools
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from balmer.errors import UnitError
from balmer.units.dimension import DIMENSIONLESS, Dimension
from balmer.units.grammar import factorise, is_number, text_of
from balmer.units.spellings import AMBIGUOUS, DEFINITIONS, INSTEAD, SPELLINGS, spelt_out
from balmer.units.unit import Unit

__all__ = ["base_unit", "parse_unit"]


def parse_unit(text: str, *, column: str | None = None, only_read: bool = False) -> Unit:
    """Read a unit such as ``km/s/Mpc``, ``kg m s^-2``, ``GeV/c^2``, ``day/AU^(3/2)`` or ``%``.

    Parameters
    ----------
    text : str
        Names and symbols known to pint with their prefixes, ``M_sun``, ``L_sun``, ``R_sun``, ``mag`` and
        ``dex`` (pure numbers), numbers, and ``*``, ``/``, ``^`` or ``**``, blanks and parentheses. A pure
        number is ``""``, ``1``, ``dimensionless``, ``none`` or ``-``. Gaussian ``G``, ``Oe``, ``Mx``, ``esu``
        and ``statV`` are read as the SI quantity that they measure.
    column : str, optional
        The column it belongs to, for the message of an error.
    only_read : bool
        Whether a unit that no formula can use (with an offset, logarithmic, ambiguous) is read too: its `refusal` says
        why it cannot be used.

    Returns
    -------
    Unit
        With `text` as given and `scale` in coherent SI.

    Raises
    ------
    UnitError
        If the text cannot be read, a name is unknown, or a unit has an offset (degC) or is logarithmic (dB).
    """
    try:
        if not isinstance(text, str):
            raise UnitError(f"a unit must be text, such as 'km/s', not {text!r}")
        scale, pure, dimension, refusal = 1.0, 1.0, DIMENSIONLESS, ""
        plain = spelt_out(text)
        factors = () if plain in AMBIGUOUS else factorise(plain)
        if plain in AMBIGUOUS:
            refusal = f"'{text}' may mean {AMBIGUOUS[plain]}"
        _refuse_hubble(text, [symbol for symbol, _ in factors])
        for symbol, power in factors:
            if is_number(symbol):
                scale *= float(symbol) ** float(power)
                continue
            size, quantity, reason = _look_up(symbol, text)
            scale *= size ** float(power)
            pure *= size ** float(power) if quantity.is_dimensionless else 1.0
            dimension *= quantity**power
            refusal = refusal or reason
        if refusal and not only_read:
            raise UnitError(refusal)
        if not (math.isfinite(scale) and scale > 0):
            raise UnitError(f"the unit '{text}' has the size {scale:g}, which is not a positive number")
    except UnitError as error:
        if column is None:
            raise
        raise UnitError(f"column '{column}': {error}") from None
    except (OverflowError, ZeroDivisionError):
        raise UnitError(
            f"{_where(column)}the unit '{text}' is too large or too small to be a number"
        ) from None
    return Unit(text, scale, dimension, pure, refusal)


def _where(column: str | None) -> str:
    return "" if column is None else f"column '{column}': "


_SI_OF = {
    "[length]": "m",
    "[mass]": "kg",
    "[time]": "s",
    "[current]": "A",
    "[temperature]": "K",
    "[substance]": "mol",
    "[luminosity]": "cd",
}


@functools.cache
def _registry() -> Any:
    """Build pint's registry, once and not before a unit is read: it costs half a second of start-up time."""
    import pint

    # Decimal keeps a litre at 0.001 m³, where products of float prefixes give 0.0010000000000000002.
    registry = pint.UnitRegistry(non_int_type=Decimal, cache_folder=None)
    for definition in DEFINITIONS:
        registry.define(definition)
    return registry


@functools.cache
def _look_up(name: str, text: str) -> tuple[float, Dimension, str]:
    """Return the size of one named unit in coherent SI, its dimension, and why it cannot be used if it cannot."""
    if name in AMBIGUOUS:
        return 1.0, DIMENSIONLESS, f"'{name}' may mean {AMBIGUOUS[name]}"
    registry = _registry()
    candidates = registry.parse_unit_name(SPELLINGS.get(name, name))
    if not candidates:
        raise UnitError(_unknown(name, text))
    prefix, stem, _ = candidates[0]
    converter = registry._units[stem].converter
    known = prefix + INSTEAD.get(stem, stem)
    if converter.is_logarithmic:
        reason = f"'{name}' is a logarithmic unit, which no formula can scale; convert the column first"
        return 1.0, DIMENSIONLESS, reason
    if not converter.is_multiplicative:
        reason = f"'{name}' has an offset, so that ratios mean nothing; convert the column and use K"
        return 1.0, Dimension(K=1), reason
    size, _ = registry.get_root_units(known)
    exponents: dict[str, Fraction] = {}
    for quantity, power in registry.get_dimensionality(known).items():
        if quantity not in _SI_OF:
            raise UnitError(f"'{name}' measures {quantity}, which is no quantity of physics")
        exponents[_SI_OF[quantity]] = Fraction(power).limit_denominator(64)
    # pint's root of mass is the gram.
    exact = Fraction(size) / Fraction(1000) ** int(exponents.get("kg", Fraction(0)))
    return float(exact), Dimension.from_mapping(exponents), ""


def _refuse_hubble(text: str, symbols: list[str]) -> None:
    """Refuse Mpc/h, in which h is the reduced Hubble constant and not pint's hour."""
    if "h" in symbols and any(symbol.endswith("pc") or "sun" in symbol for symbol in symbols):
        raise UnitError(f"in '{text}', 'h' may be the hour or the Hubble parameter; write 'hr' for the hour")


def _unknown(name: str, text: str) -> str:
    within = "" if name == text else f" in '{text}'"
    close = _similar(name)
    hint = f"; did you mean {' or '.join(repr(other) for other in close)}?" if close else ""
    return f"unknown unit '{name}'{within}{hint}" + (
        "" if close else "; accepted are units known to pint, such as m, km/s, GeV, kg m^2/s^2"
    )


def _similar(name: str) -> list[str]:
    """Return up to three known spellings close to an unknown one, a mere difference of case first."""
    names = _vocabulary()
    same = [other for other in names if other.lower() == name.lower()]
    return same[:2] or difflib.get_close_matches(name, names, n=2, cutoff=0.7)


@functools.cache
def _vocabulary() -> tuple[str, ...]:
    known = [name for name in _registry()._units if name.isascii()]
    symbols = ("m", "g", "s", "A", "K", "eV", "pc", "N", "J", "W", "Pa", "V", "Hz", "T", "C", "F", "yr", "b")
    names = ("meter", "gram", "second", "ampere", "kelvin", "parsec", "newton", "joule", "watt", "pascal")
    prefixed = [prefix + symbol for prefix in "kMGTcmunp" for symbol in symbols]
    spelt = [
        prefix + name for prefix in ("kilo", "mega", "giga", "centi", "milli", "micro") for name in names
    ]
    return tuple(dict.fromkeys(["AU", "M_sun", "Angstrom", *prefixed, *known, *spelt]))


def base_unit(unit: Unit) -> Unit:
    """The unit in which a column enters formulas: ``rad`` of ``deg``, ``1/K`` of ``%/K``, ``1`` of ``ppm``.

    It is the unit itself where its `factor` is 1; in general one `unit` is `factor` of it.
    """
    if unit.factor == 1.0:
        return unit
    kept, angle = [], Fraction(0)
    try:
        factors = factorise(spelt_out(unit.text))
    except UnitError:  # a text of the caller's own making
        return Unit("1" if unit.is_dimensionless else unit.text, unit.scale / unit.factor, unit.dimension)
    for symbol, power in factors:
        if is_number(symbol):
            continue
        if not _look_up(symbol, unit.text)[1].is_dimensionless:
            kept += [(symbol, power)] * (not unit.is_dimensionless)
        elif _is_angle(symbol):
            angle += power
    text = text_of([*([("rad", angle)] if angle else []), *kept])
    return Unit(text, unit.scale / unit.factor, unit.dimension)


@functools.cache
def _is_angle(name: str) -> bool:
    registry = _registry()
    prefix, stem, _ = registry.parse_unit_name(SPELLINGS.get(name, name))[0]
    _, root = registry.get_root_units(prefix + INSTEAD.get(stem, stem))
    return "radian" in str(root)
