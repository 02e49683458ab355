"""Products taken apart into what they are made of (`factors`), and written again in one order.

Powers of one base come together, and so do exponentials and numbers; roots are taken of a product only as far as the
signs of its parts are certain. Of the ways to write it the cheapest is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from balmer.expressions.complexity import Complexity
from balmer.expressions.expression import Expression, apply, constant, literal
from balmer.expressions.factors import POWERS, Exponent, Keep, Product, as_number, exponent_of, finite, merged
from balmer.expressions.literals import known_number, simple_fraction
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, VARIABLE
from balmer.expressions.rewrite import express_in
from balmer.expressions.signs import Sign, sign_of
from balmer.expressions.sums import negated, terms_of, write_terms

__all__ = ["Writer"]

_ONE = Fraction(1)
_SPECIAL = {Fraction(2): "square", Fraction(3): "cube", Fraction(1, 2): "sqrt", Fraction(1, 3): "cbrt"}
_ODD = frozenset({"sin", "tan", "asin", "atan", "sinh", "tanh", "cbrt"})
_EVEN = frozenset({"cos", "cosh", "abs"})
_LARGEST_POWER = 60
_UNUSABLE = 10**6  # price of what cannot be written
_LARGEST_LOGARITHM = 600.0  # of a constant that leaves an exponential


class Writer:
    """Takes products apart and writes them, with the allowed operators and what is known of signs."""

    def __init__(self, signs: Sequence[Sign], allowed: frozenset[str], price: Complexity) -> None:
        self.signs = signs
        self.allowed = allowed
        self.price = price
        self.products: dict[Expression, Product] = {}
        self.orders: dict[Expression, tuple[Any, ...]] = {}
        self.written: dict[tuple[Any, ...], Expression] = {}

    def sign(self, e: Expression) -> Sign:
        return sign_of(e, self.signs)

    def order(self, e: Expression) -> tuple[Any, ...]:
        """Numbers, then features and their powers in the order of the columns, then the rest, short before long."""
        if e not in self.orders:
            self.orders[e] = self.find_order(e)
        return self.orders[e]

    def find_order(self, e: Expression) -> tuple[Any, ...]:
        rest = (e.ops.tobytes(), e.args.tobytes(), e.values.tobytes())
        if not e.variables:
            return (0, 0, (), len(e), *rest)
        plain = e.ops[-1] == VARIABLE or (
            e.operators <= set(POWERS) | {"pow", "mul", "div"} and e.n_constants == 0
        )
        if not plain:
            return (2, 0, (), len(e), *rest)
        powers = [(base.variables, float(power)) for base, power in self.product(e).powers.items()]
        degree = sum(abs(power) for _, power in powers)
        return (1, degree, tuple(sorted(powers)), len(e), *rest)

    # -- taking apart ----------------------------------------------------------------------------------------

    def product(self, e: Expression) -> Product:
        """What a formula is made of as a product."""
        if e not in self.products:
            self.products[e] = self.find_product(e)
        return self.products[e]

    def find_product(self, e: Expression) -> Product:
        op = int(e.ops[-1])
        if op == CONSTANT:
            return Product(free=float(e.values[-1]))
        if op == LITERAL:
            return Product(exact=[float(e.values[-1])])
        if op == VARIABLE:
            return Product(powers={e: _ONE})
        name = OPERATORS_BY_CODE[op].name
        operands = e.children()
        first = operands[0]
        match name:
            case "mul":
                return self.product(first).times(self.product(operands[1]))
            case "div":
                return self.product(first).times(self.raised(self.product(operands[1]), -_ONE))
            case "neg":
                return self.product(first).times(Product(exact=[-1.0]))
            case "exp":
                return Product(exponentials=[(_ONE, first)])
            case "abs" if self.sign(first) > Sign.UNKNOWN:
                return self.product(first)
            case "add" | "sub":
                if all(t.value < 0 for t in terms_of(e, self)):
                    return Product(exact=[-1.0], powers={negated(e, self): _ONE})
                return Product(powers={e: _ONE})
        power = exponent_of(name, operands)
        if power is not None and (name != "cbrt" or self.sign(first) > Sign.UNKNOWN):
            return self.raised(self.product(first), power)
        if name in _ODD or name in _EVEN:
            inner = self.product(first)
            if inner.value < 0:
                return Product(
                    exact=[-1.0] if name in _ODD else [], powers={apply(name, negated(first, self)): _ONE}
                )
        return Product(powers={e: _ONE})

    def raised(self, p: Product, q: Exponent) -> Product:
        """The power of a product, as far apart as it has the same values."""
        if q == 1 and isinstance(q, Fraction):
            return p
        if isinstance(q, Fraction) and q.denominator == 1:
            if abs(q) > _LARGEST_POWER:
                raise Keep
            n = int(q)
            return Product(
                None if p.free is None else finite(p.free**n),
                [finite(v**n) for v in p.exact],
                {base: power * q for base, power in p.powers.items()},
                [(power * q, e) for power, e in p.exponentials],
            )
        out = Product(exponentials=[(power * q, e) for power, e in p.exponentials])
        inside = Product()
        number = p.value
        if number < 0 or number == 0 or not math.isfinite(number):
            inside.free, inside.exact = p.free, p.exact
        elif p.free is not None:
            out.free = finite(number ** float(q))
        else:
            for value in merged(p.exact):
                self.raise_number(value, q, out)
        loose = []  # may be zero
        for base, power in p.powers.items():
            sign = self.sign(base)
            even = isinstance(power, Fraction) and power.numerator % 2 == 0
            if sign == Sign.POSITIVE:
                out.powers[base] = power * q
            elif sign == Sign.NONNEGATIVE:
                loose.append((base, power))
            elif even:
                loose.append((self.power(base, power), _ONE))
            else:
                inside.powers[base] = power
        bare = inside.free is None and not inside.exact
        if bare and not inside.powers:
            for base, power in loose:
                out.powers[base] = power * q
        elif bare and not loose and len(inside.powers) == 1:
            ((base, power),) = inside.powers.items()
            out.powers[base] = power * q
        else:
            inside.powers |= dict(loose)
            out.powers[self.write(inside)] = q
        return out

    def raise_number(self, value: float, q: Exponent, out: Product) -> None:
        """An exact positive number to a power that is not whole: a number, or else one more base."""
        if value == 1.0:
            return
        if isinstance(q, float):
            out.free = finite(value**q) * (1.0 if out.free is None else out.free)
            return
        known = known_number(value ** float(q))
        if known is not None and known.is_rational:
            out.exact.append(known.value)
            return
        ratio = simple_fraction(value)
        if ratio is not None and ratio.numerator == 1:
            value, q = float(ratio.denominator), -q
        base = literal(value)
        out.powers[base] = out.powers.get(base, Fraction(0)) + q

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, p: Product) -> Expression:
        """The product in canonical order; the cheapest of the ways to write its exponential and its number."""
        # A fitted 2.0 and an exact 2 are equal as numbers.
        powers = ((type(power), power, base) for base, power in p.powers.items())
        key = (p.free, *p.exact, None, *powers, None, *((type(q), q, e) for q, e in p.exponentials))
        if key not in self.written:
            self.written[key] = self.find_written(self.with_exponentials_joined(p))
        return self.written[key]

    def find_written(self, p: Product) -> Expression:
        if not p.powers and not p.exponentials:
            return self.number(p)
        above = (True, False) if p.exponentials else (True,)
        below = (True, False) if p.free is None and any(abs(v) < 1 for v in p.exact) else (True,)
        ways = [self.fraction(p, a, b) for a in above for b in below]
        return ways[0] if len(ways) == 1 else min(ways, key=self.cost)

    def cost(self, e: Expression) -> int:
        """What a formula costs when written with the allowed operators."""
        usable = e if e.operators <= self.allowed else express_in(e, self.allowed)
        return _UNUSABLE if usable is None else self.price.of(usable)

    def with_exponentials_joined(self, p: Product) -> Product:
        """One exponential of one sum; constants of the sum become factors, and k*log(u) the factor u**k."""
        terms = [
            self.product(e).times(as_number(power))
            for power, whole in p.exponentials
            for e in _summands(whole, self)
        ]
        if not terms:
            return p
        out = Product(p.free, list(p.exact), dict(p.powers))
        rest = []
        for term in terms:
            number = term.value
            if not term.powers and not term.exponentials and term.free is not None:
                if abs(number) > _LARGEST_LOGARITHM:
                    raise Keep
                out = out.times(Product(free=math.exp(number)))
                continue
            logarithm = self.logarithm_of(term)
            if logarithm is None:
                rest.append(term)
            else:
                out = out.times(self.raised(self.product(logarithm[0]), logarithm[1]))
        if rest:
            inner = write_terms(rest, self)
            if inner.ops[-1] in (LITERAL, CONSTANT) and not inner.variables:
                raise Keep
            out.exponentials = [*out.exponentials, (_ONE, inner)]
        if len(out.exponentials) > 1:
            return self.with_exponentials_joined(out)
        return out

    def logarithm_of(self, term: Product) -> tuple[Expression, Exponent] | None:
        """u and k of a term k*log(u) whose exponential can be written as a power."""
        if len(term.powers) != 1 or term.exponentials:
            return None
        ((base, power),) = term.powers.items()
        if power != 1 or OPERATORS_BY_CODE.get(int(base.ops[-1])) is None:
            return None
        if OPERATORS_BY_CODE[int(base.ops[-1])].name != "log":
            return None
        k: Exponent | None = term.value if term.free is not None else simple_fraction(term.value)
        if k is None or not ("pow" in self.allowed or (isinstance(k, Fraction) and abs(k) in (1, *_SPECIAL))):
            return None
        return base.children()[0], k

    def fraction(self, p: Product, above: bool, small: bool) -> Expression:
        """The product as a fraction, its exponential above or below the line, and so a number such as 1/2."""
        number = self.signed_number(p)
        bases = {base: power for base, power in p.powers.items() if not base.variables}
        bases |= {base: power for base, power in p.powers.items() if base.variables}
        if p.free is not None or len(p.exact) > 0:
            bases, number = self.absorbed(bases, number)
        negative = number.value < 0
        if negative:
            bases, negative = self.flipped(bases)
        top, bottom = self.grouped(bases)
        for power, inner in p.exponentials:
            if above:
                top.append(apply("exp", inner if power == 1 else negated(inner, self)))
            else:
                bottom.append(apply("exp", negated(inner, self)))
        first: list[Expression] = []
        under: list[Expression] = []
        if number.free is not None:
            first = [constant(abs(number.value))]
        else:
            for value in merged([abs(v) for v in number.exact]):
                if value == 1.0:
                    continue
                below = known_number(1 / value) if small and value < 1 else None
                if below is not None and "/" not in below.text:
                    under.append(literal(below.value))
                else:
                    first.append(literal(value))
        if negative and first:
            first[0] = Expression(first[0].ops, first[0].args, -first[0].values)
            negative = False
        result = _quotient([*first, *top], [*under, *bottom], self.allowed)
        if not negative:
            return result
        if "neg" in self.allowed:
            return apply("neg", result)
        return _quotient([literal(-1.0), *top], [*under, *bottom], self.allowed)

    def number(self, p: Product) -> Expression:
        number = self.signed_number(p)
        if number.free is not None:
            return constant(finite(number.value))
        parts = merged(number.exact)
        result = literal(parts[0])
        for value in parts[1:]:
            result = apply("mul", result, literal(value))
        return result

    def signed_number(self, p: Product) -> Product:
        """The number of a product, exact ones merged into a free one if there is one."""
        if p.free is not None:
            return Product(free=finite(p.value))
        if p.exact and not math.isfinite(p.value):
            raise Keep
        return Product(exact=list(p.exact))

    def absorbed(
        self, bases: dict[Expression, Exponent], number: Product
    ) -> tuple[dict[Expression, Exponent], Product]:
        """A number goes into a sum all of whose terms have a free constant."""
        if number.value in (1.0, -1.0) and number.free is None:
            return bases, number
        for base, power in bases.items():
            if power not in (1, -1) or isinstance(power, float) or not _is_sum(base):
                continue
            terms = terms_of(base, self)
            if all(t.free is not None for t in terms):
                factor = number.value if power == 1 else 1 / number.value
                scaled = [t.times(Product(free=factor)) for t in terms]
                inner = write_terms(scaled, self)
                return {(inner if b is base else b): p for b, p in bases.items()}, Product(exact=[1.0])
        return bases, number

    def flipped(self, bases: dict[Expression, Exponent]) -> tuple[dict[Expression, Exponent], bool]:
        """A minus sign turns a difference round, if there is one: 5/(n - 4) for -5/(4 - n)."""
        for base, power in bases.items():
            odd = isinstance(power, Fraction) and power.denominator == 1 and power.numerator % 2 == 1
            if odd and _is_sum(base) and any(t.value < 0 for t in terms_of(base, self)):
                turned = negated(base, self)
                if len(turned) <= len(base):
                    return {(turned if b is base else b): p for b, p in bases.items()}, False
        return bases, True

    def grouped(self, bases: dict[Expression, Exponent]) -> tuple[list[Expression], list[Expression]]:
        """What stands above and below the line: bases of one exponent share it, as in sqrt(x/y)."""
        groups: dict[tuple[int, float], list[tuple[Expression, bool]]] = {}
        for base, power in bases.items():
            shared = isinstance(power, Fraction) and abs(power) != 1
            key = (0 if shared else len(groups) + 1, abs(float(power)))
            groups.setdefault(key, []).append((base, power > 0))
        top: list[Expression] = []
        bottom: list[Expression] = []
        for members in groups.values():
            power = bases[members[0][0]]
            size = -power if power < 0 else power
            up = any(positive for _, positive in members)
            if len(members) == 1:
                whole = members[0][0]
            else:
                inner = Product()
                for base, positive in members:
                    part = Product(exact=[float(base.values[0])]) if _is_number(base) else self.product(base)
                    inner = inner.times(part if positive == up else self.raised(part, -_ONE))
                whole = self.write(inner)
            (top if up else bottom).append(self.power(whole, size))
        return sorted(top, key=self.order), sorted(bottom, key=self.order)

    def power(self, base: Expression, power: Exponent) -> Expression:
        """The cheapest way to write a power."""
        if power == 1 and isinstance(power, Fraction):
            return base
        if isinstance(power, float):
            return apply("pow", base, constant(power))
        if simple_fraction(float(power)) != power:
            raise Keep
        plain = apply("pow", base, literal(float(power)))
        ways = [plain]
        special = _SPECIAL.get(power)
        if special and (special != "cbrt" or self.sign(base) > Sign.UNKNOWN):
            ways.insert(0, apply(special, base))
        found = [w if w.operators <= self.allowed else express_in(w, self.allowed) for w in ways]
        usable = [w for w in found if w is not None]
        if not usable:
            raise Keep
        return min(usable, key=self.price.of)


# -- helpers -------------------------------------------------------------------------------------------------


def _summands(e: Expression, writer: Writer) -> Iterable[Expression]:
    """The terms of a sum as formulas of their own."""
    if not _is_sum(e):
        return [e]
    return [writer.write(t) for t in terms_of(e, writer)]


def _is_sum(e: Expression) -> bool:
    entry = OPERATORS_BY_CODE.get(int(e.ops[-1]))
    return entry is not None and entry.name in ("add", "sub")


def _is_number(e: Expression) -> bool:
    return len(e) == 1 and e.ops[0] != VARIABLE


def _quotient(top: list[Expression], bottom: list[Expression], allowed: frozenset[str]) -> Expression:
    if not bottom:
        return _chain(top or [literal(1.0)])
    if not top:
        return (
            apply("inv", _chain(bottom)) if "inv" in allowed else apply("div", literal(1.0), _chain(bottom))
        )
    return apply("div", _chain(top), _chain(bottom))


def _chain(factors: list[Expression]) -> Expression:
    result = factors[0]
    for factor in factors[1:]:
        result = apply("mul", result, factor)
    return result
