"""Expressions to sympy and back, node by node: no text is ever handed to sympy.

On the way back, spellings are chosen by complexity, and the forms that do not overflow (expm1, log1p,
logexpm1, log1mexp) replace their naive spelling.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from balmer.errors import ConfigError
from balmer.expressions.complexity import Complexity
from balmer.expressions.expression import Expression, apply, constant, literal, variable
from balmer.expressions.literals import KnownNumber, exact_fraction, known_number
from balmer.expressions.operators import LITERAL, OPERATORS_BY_CODE, VARIABLE
from balmer.expressions.printers import constant_numbers, feature_names

__all__ = ["from_sympy", "symbols", "to_sympy"]

_FUNCTIONS = {
    name: name for name in ("exp", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
} | {"Abs": "abs", "Min": "min", "Max": "max"}
_Power = tuple[Any, Any]  # base and exponent
_LARGEST_POWER = 1000
_RECIPROCALS = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}


def symbols(
    names: Sequence[str], positive: Sequence[bool] | None = None, nonnegative: Sequence[bool] | None = None
) -> list[Any]:
    """The sympy symbols that `to_sympy` uses: plain ones, or real, positive and nonnegative ones where that is said."""
    import sympy

    if positive is None:
        return [sympy.Symbol(name) for name in names]
    never = nonnegative or [False] * len(names)
    return [
        sympy.Symbol(name, **({"positive": True} if p else {"nonnegative": True} if n else {"real": True}))
        for name, p, n in zip(names, positive, never, strict=True)
    ]


def to_sympy(
    expression: Expression,
    names: Sequence[str] | None = None,
    positive: Sequence[bool] | None = None,
    constants: Sequence[Any] | None = None,
    nonnegative: Sequence[bool] | None = None,
) -> Any:
    """The formula as a sympy expression; sympy's own automatic simplifications apply.

    Parameters
    ----------
    expression : Expression
    names : sequence of str, optional
        Name of each feature; x0, x1, ... without.
    positive : sequence of bool, optional
        For each feature, whether its symbol is assumed to be positive, or real only. Without, symbols are plain:
        ``sympy.Symbol(name)`` is the symbol of that feature.
    constants : sequence of sympy.Symbol, optional
        What stands for each free constant, in postfix order; Floats of 17 digits without.
    nonnegative : sequence of bool, optional
        Beside ``positive``, for each feature, whether its symbol is assumed not to be negative.

    Returns
    -------
    sympy.Expr
        Literals are Integers, Rationals or exact multiples of pi, sqrt(2), log(2) and their like.

    Raises
    ------
    ConfigError
        If there are fewer names or symbols than features or constants.
    """
    import sympy

    shown = feature_names(expression, names)
    which = constant_numbers(expression, constants)
    features = symbols(
        shown, *(None if f is None else list(f)[: len(shown)] for f in (positive, nonnegative))
    )

    def leaf(i: int) -> Any:
        op, value = expression.ops[i], float(expression.values[i])
        if op == VARIABLE:
            return features[expression.args[i]]
        if op != LITERAL:
            return sympy.Float(value, 17) if constants is None else constants[which[i]]
        known = known_number(value)
        if known is not None:
            return known.sympy()
        if not math.isfinite(value):
            return sympy.Float(value, 17)
        ratio = exact_fraction(value)
        return sympy.Rational(ratio.numerator, ratio.denominator)

    def node(i: int, below: list[Any]) -> Any:
        entry = OPERATORS_BY_CODE[int(expression.ops[i])]
        if entry.name == "pow" and all(b.is_Rational for b in below) and abs(below[1]) > _LARGEST_POWER:
            return sympy.Pow(*below, evaluate=False)  # exactly, 9**9**9 has 370 million digits
        try:
            result = entry.sympy(*below)
            # Beyond float64 there is only infinity; the sine of 1e(10^9) would keep sympy busy for ever.
            too_large = result.is_Float and abs(result) > sys.float_info.max
            return result * sympy.oo if too_large else result
        except ZeroDivisionError:
            return sympy.zoo  # as it is for Integers
        except (TypeError, ValueError, ArithmeticError):  # such as Min of what is not real
            raise ConfigError(f"{entry.name} of {below} has no real value") from None

    return expression.fold(leaf, node)


def from_sympy(expr: Any, names: Sequence[str], constants: Mapping[Any, float] | None = None) -> Expression:
    """Read a sympy expression.

    Parameters
    ----------
    expr : sympy.Expr
    names : sequence of str
        Feature ``k`` is the symbol called ``names[k]``, whatever its assumptions.
    constants : mapping of sympy.Symbol to float, optional
        Symbols that are free constants, and their values.

    Returns
    -------
    Expression
        Whatever holds no feature but a Float or a constant has become one free constant. The order of terms
        and factors depends on ``expr`` alone.

    Raises
    ------
    ConfigError
        If a symbol is neither, a function is not in the operator table, or a part has no real value.
    """
    import sympy

    try:
        return _Reader(names, constants or {}).read(sympy.sympify(expr, strict=True))
    except sympy.SympifyError:
        raise ConfigError(f"a sympy expression is needed, not {type(expr).__name__}") from None
    except RecursionError:
        raise ConfigError("the sympy expression is nested too deeply") from None


class _Reader:
    """Reads one sympy expression, top down."""

    def __init__(self, names: Sequence[str], constants: Mapping[Any, float]) -> None:
        import sympy

        self.sp = sympy
        self.features = {name: k for k, name in enumerate(names)}
        self.constants = constants
        self.merging = True  # whether constants merge; not while the merged value is computed

    def read(self, e: Any) -> Expression:
        if e.is_Symbol:
            return constant(self.constants[e]) if e in self.constants else self.feature(e)
        if e.is_Float:
            return constant(float(e))
        if self.is_constant(e):
            return constant(self.value(e))
        if e.is_number and (e.is_Rational or e.is_NumberSymbol):
            return self.exact(e)
        if known := self.known(e):
            return literal(known.value)
        if e.is_Add:
            return self.sum(e)
        if e.is_Mul or e.is_Pow or isinstance(e, self.sp.sign):
            return self.product(e)
        return self.function(e)

    # -- leaves ----------------------------------------------------------------------------------------------

    def feature(self, symbol: Any) -> Expression:
        if symbol.name not in self.features:
            raise ConfigError(f"the symbol {symbol.name} is no column; they are {', '.join(self.features)}")
        return variable(self.features[symbol.name])

    def is_constant(self, e: Any) -> bool:
        """Whether this is one free number: it holds a Float or a constant's symbol, and no feature."""
        if not self.merging or any(s not in self.constants for s in e.free_symbols):
            return False
        return bool(e.free_symbols) or bool(e.has(self.sp.Float))

    def merged(self, operands: Sequence[Any]) -> list[Any]:
        """The operands that make up one free constant: where there is a free number, exact ones join it."""
        if not any(map(self.is_constant, operands)):
            return []
        return [o for o in operands if self.is_constant(o) or o.is_number]

    def value(self, e: Any) -> float:
        """Value of what holds no feature, in float64: sympy's evalf may take for ever on sin(exp(10**9))."""
        self.merging = False
        try:
            number = float(self.read(e).evaluate(np.empty((0, 1)))[0])
        finally:
            self.merging = True
        if not math.isfinite(number):
            raise ConfigError(f"{e} has no finite real value")
        return number

    def exact(self, e: Any) -> Expression:
        try:
            return literal(int(e.p) / int(e.q) if e.is_Rational else float(e))
        except OverflowError:
            raise ConfigError(f"the number {str(e)[:20]}... is too large") from None

    def known(self, e: Any) -> KnownNumber | None:
        """The number with a name that this is, if it is no fraction: 2*pi, 1/sqrt(2*pi), log(2)."""
        if not self.merging or not e.is_number or e.has(self.sp.Float):
            return None
        if not (e.is_Mul or e.is_Pow or isinstance(e, self.sp.log | self.sp.exp) or e.is_NumberSymbol):
            return None
        try:
            known = known_number(self.value(e))
        except ConfigError:
            return None
        return None if known is None or known.is_rational else known

    # -- sums ------------------------------------------------------------------------------------------------

    def sum(self, e: Any) -> Expression:
        free = self.merged(e.args)
        plain = [t for t in e.as_ordered_terms() if t not in free]
        terms = [*self.paired(plain)]
        if free:
            number = self.value(self.sp.Add(*free))
            # c - x is cheaper than -x + c, and x - 3.0 reads better than x + -3.0.
            terms.append((number < 0 and len(plain) > 0, constant(abs(number))))
        return _summed(terms)

    def paired(self, terms: list[Any]) -> Iterable[tuple[bool, Expression]]:
        """Terms as (is subtracted, formula), where exp(u) and -1 have become expm1(u)."""
        terms = list(terms)
        for sign in (1, -1):
            exponentials = [t for t in terms if isinstance(sign * t, self.sp.exp)]
            if len(exponentials) and self.sp.Integer(-sign) in terms:
                terms.remove(self.sp.Integer(-sign))
                terms[terms.index(exponentials[0])] = None
                yield sign < 0, apply("expm1", self.read((sign * exponentials[0]).args[0]))
                terms = [t for t in terms if t is not None]
        for term in terms:
            negative = self.is_negative(term)
            yield negative, self.read(-term if negative else term)

    def is_negative(self, term: Any) -> bool:
        """Whether the term is written with a minus sign in front; of a bracket, if all its terms have one."""
        if term.is_Add:
            return all(map(self.is_negative, term.args))
        return bool(term.as_coeff_Mul()[0].is_negative)

    # -- products --------------------------------------------------------------------------------------------

    def product(self, e: Any) -> Expression:
        factors = self.sp.Mul.make_args(e)
        free = self.merged(factors)
        number = self.sp.Integer(1)
        powers: list[_Power] = []
        for factor in sorted((f for f in factors if f not in free), key=self.sp.default_sort_key):
            if factor.is_Rational:
                number *= factor
            else:
                powers.append(factor.as_base_exp() if factor.is_Pow else (factor, self.sp.Integer(1)))
        start = [constant(self.value(self.sp.Mul(*free)))] if free else []
        spellings = [(number, powers), *self.joined_roots(number, powers)]
        spellings += [named for spelling in spellings if (named := self.with_known(*spelling))]
        return min((self.quotient(start, *spelling) for spelling in spellings), key=_price)

    def quotient(self, start: list[Expression], number: Any, powers: list[_Power]) -> Expression:
        """Product of what is given, a rational number and powers, as one fraction."""
        sign, numerator, denominator = 1, list(start), []
        if isinstance(number, KnownNumber):
            upside_down = known_number(1 / number.value)
            if powers and upside_down is not None and "/" not in upside_down.text and "/" in number.text:
                denominator = [literal(upside_down.value)]
            else:
                numerator.append(literal(number.value))
        elif number == -1:
            sign = -1
        elif abs(number.p) == 1 and number.q != 1:
            sign, denominator = int(number.p), [literal(float(number.q))]
        elif number != 1:
            numerator.append(self.exact(number))
        exponentials: list[Any] = []
        for base, exponent in self.rooted(powers):
            if exponent == 1 and isinstance(base, self.sp.exp) and self.is_negative(base.args[0]):
                exponentials.append(base)
            else:
                self.power(base, exponent, numerator, denominator)
        for e in exponentials:
            # a*exp(-u) as a/exp(u) saves the sign.
            below = bool(numerator) and not self.is_constant(e)
            if below:
                denominator.append(apply("exp", self.read(-e.args[0])))
            else:
                numerator.append(self.read(e))
        return _quotient(sign, numerator, denominator)

    def with_known(self, number: Any, powers: list[_Power]) -> tuple[KnownNumber, list[_Power]] | None:
        """The factors with one known number, such as 2*pi, for all the numbers among them."""
        numbers = [b**e for b, e in powers if b.is_number]
        known = self.known(self.sp.Mul(number, *numbers, evaluate=False)) if numbers else None
        return None if known is None else (known, [(b, e) for b, e in powers if not b.is_number])

    def joined_roots(self, number: Any, powers: list[_Power]) -> Iterator[tuple[Any, list[_Power]]]:
        """sqrt(x*y) for sqrt(x)*sqrt(y), and 1/sqrt(2*pi) for sqrt(2)/(2*sqrt(pi)), as sympy writes them."""
        for r in sorted({abs(e) for _, e in powers if e.is_Rational and not e.is_Integer}):
            equal = [(b, e) for b, e in powers if abs(e) == r]
            # One base of any sign may stand under a root with others that are not negative.
            roots = [p for p in equal if p[0].is_nonnegative] + [p for p in equal if not p[0].is_nonnegative][
                :1
            ]
            others = [p for p in powers if p not in roots]
            if len(roots) > 1:
                yield number, [*others, self.root(self.sp.Mul(*(b ** (e / r) for b, e in roots)), r)]
            if roots and r == self.sp.Rational(1, 2):
                numbers = [(b, e) for b, e in roots if b.is_number]
                for chosen in (numbers, roots):
                    inside = self.sp.Mul(number**2, *(b ** (2 * e) for b, e in chosen))
                    rest = [p for p in powers if p not in chosen]
                    yield self.sp.sign(number), [*rest, self.root(inside, r)]
                if len(numbers) == 1 and numbers[0][0].is_Integer and len(roots) > 1:
                    # sqrt(x/3), which sympy writes sqrt(3)*sqrt(x)/3
                    ((n, e),) = numbers
                    inside = self.sp.Mul(*(b ** (2 * e) for b, e in roots), n ** (-4 * e))
                    yield number * n ** (2 * e), [*others, self.root(inside, r)]

    def root(self, inside: Any, r: Any) -> _Power:
        above, below = inside.as_numer_denom()
        return (below, -r) if above == 1 and not inside.is_Rational else (inside, r)

    def power(
        self, base: Any, exponent: Any, numerator: list[Expression], denominator: list[Expression]
    ) -> None:
        below = self.is_negative(exponent) and not self.is_constant(exponent)
        (denominator if below else numerator).append(self.raised(base, -exponent if below else exponent))

    def raised(self, base: Any, exponent: Any) -> Expression:
        operand = base if isinstance(base, Expression) else self.read(base)
        nonnegative = not isinstance(base, Expression) and bool(base.is_nonnegative)
        if exponent == 1:
            return operand
        if exponent == self.sp.Rational(1, 3) and nonnegative:
            return apply("cbrt", operand)
        special = {2: "square", 3: "cube", self.sp.Rational(1, 2): "sqrt"}.get(exponent)
        return apply(special, operand) if special else apply("pow", operand, self.read(exponent))

    def rooted(self, powers: list[_Power]) -> list[_Power]:
        """Join sign(u)^m |u|^(k/3), which is how a real cube root looks in sympy, into powers of cbrt(u).

        A sign(u) that has no such partner becomes u/|u|, which differs at u = 0 only.
        """
        signs = {self.odd_root(base.args[0]): m for base, m in powers if isinstance(base, self.sp.sign)}
        found: list[_Power] = []
        for base, exponent in powers:
            if isinstance(base, self.sp.sign):
                continue
            inner = base.args[0] if isinstance(base, self.sp.Abs) else None
            thirds = 3 * exponent
            if inner in signs and not signs[inner].is_Integer:
                del signs[inner]  # NaN for u < 0, as u^k is then
                found.append((inner, exponent))
            elif inner in signs and thirds.is_Integer and (thirds - signs[inner]).is_even:
                del signs[inner]
                whole = exponent.is_Integer
                root = inner if whole else apply("cbrt", self.read(inner))
                found.append((root, exponent if whole else thirds))
            else:
                found.append((base, exponent))
        for inner, m in signs.items():
            if not m.is_even:
                power = self.sp.Integer(1) if m.is_odd else m
                found += [(inner, power), (self.sp.Abs(inner), -power)]
        return found

    def odd_root(self, u: Any) -> Any:
        """u of sign(u^3), which has the sign of u."""
        return u.base if u.is_Pow and u.exp.is_odd else u

    # -- functions -------------------------------------------------------------------------------------------

    def function(self, e: Any) -> Expression:
        name = type(e).__name__
        if e.is_Number or not e.args or e.is_Boolean:
            raise ConfigError(f"{e} has no finite real value")
        if name == "log" and len(e.args) == 1:
            return self.logarithm(e.args[0])
        if name in _RECIPROCALS:
            return apply("inv", apply(_RECIPROCALS[name], self.read(e.args[0])))
        if name not in _FUNCTIONS:
            raise ConfigError(f"the function {name} is not in the operator table")
        # Min and Max hold their arguments in a set.
        arguments = sorted(e.args, key=self.sp.default_sort_key) if name in ("Min", "Max") else e.args
        result, *rest = map(self.read, arguments)
        if not rest:
            return apply(_FUNCTIONS[name], result)
        for operand in rest:
            result = apply(_FUNCTIONS[name], result, operand)
        return result

    def logarithm(self, u: Any) -> Expression:
        if u.is_Add and len(u.args) == 2:
            for exponential, one in (u.args, u.args[::-1]):
                if isinstance(exponential, self.sp.exp) and one == -1:
                    return apply("logexpm1", self.read(exponential.args[0]))
                if isinstance(-exponential, self.sp.exp) and one == 1:
                    return apply("log1mexp", self.read(-(-exponential).args[0]))
        if u.is_Add and self.sp.Integer(1) in u.args:
            return apply("log1p", self.read(u - 1))
        return apply("log", self.read(u))


def _price(expression: Expression) -> tuple[int, int]:
    """Complexity, and how many exact numbers have no short name."""
    numbers = expression.values[expression.ops == LITERAL]
    return Complexity().of(expression), sum(known_number(float(v)) is None for v in numbers)


def _summed(terms: list[tuple[bool, Expression]]) -> Expression:
    """Sum of terms, those to be subtracted last; one sign is put in front if there are only such."""
    added = [term for negative, term in terms if not negative]
    subtracted = [term for negative, term in terms if negative]
    if not added:
        return apply("neg", _chained("add", subtracted))
    return _chained("sub", [_chained("add", added), *subtracted])


def _quotient(sign: int, numerator: list[Expression], denominator: list[Expression]) -> Expression:
    if not denominator:
        result = _chained("mul", numerator or [literal(1.0)])
    elif numerator:
        result = apply("div", _chained("mul", numerator), _chained("mul", denominator))
    else:
        result = apply("inv", _chained("mul", denominator))
    return apply("neg", result) if sign < 0 else result


def _chained(name: str, operands: list[Expression]) -> Expression:
    result = operands[0]
    for operand in operands[1:]:
        result = apply(name, result, operand)
    return result
