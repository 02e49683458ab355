"""Sums taken apart into terms, like terms brought together, and written again in one order.

``3 - x + 2*x + 1`` is ``4 + x``: a number first, then the terms by degree in the order of the columns, then functions;
what is subtracted stands last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balmer.expressions.expression import Expression, apply, literal
from balmer.expressions.factors import Product
from balmer.expressions.literals import known_number
from balmer.expressions.operators import OPERATORS_BY_CODE

if TYPE_CHECKING:
    from balmer.expressions.products import Writer

__all__ = ["negated", "terms_of", "write_sum", "write_terms"]

_MOST_TERMS = 4  # of a bracket that is multiplied out


def write_sum(e: Expression, writer: Writer) -> Expression:
    """A sum in canonical order; brackets with a factor are multiplied out if that is cheaper."""
    terms = terms_of(e, writer)
    ways = [write_terms(terms, writer)]
    opened = [part for term in terms for part in _opened(term, writer)]
    if len(opened) > len(terms):
        ways.append(write_terms(opened, writer))
    return min(ways, key=writer.cost)


def terms_of(e: Expression, writer: Writer) -> list[Product]:
    """The terms of a sum, each as a product."""
    found: list[Product] = []
    work = [(e, 1.0)]
    while work:
        part, sign = work.pop()
        entry = OPERATORS_BY_CODE.get(int(part.ops[-1]))
        name = "" if entry is None else entry.name
        if name in ("add", "sub"):
            first, second = part.children()
            work += [(second, sign if name == "add" else -sign), (first, sign)]
            continue
        if name == "neg":
            work.append((part.children()[0], -sign))
            continue
        term = writer.product(part)
        found.append(term if sign > 0 else _scaled(term, -1.0))
    return found


def write_terms(terms: list[Product], writer: Writer) -> Expression:
    """The sum of these terms."""
    together: dict[Expression | None, list[Product]] = {}
    for term in terms:
        core = writer.write(term.bare) if term.powers or term.exponentials else None
        alike = together.setdefault(core, [])
        for k, other in enumerate(alike):
            joined = _added(other, term)
            if joined is not None:
                alike[k] = joined
                break
        else:
            alike.append(term)
    left = [term for alike in together.values() for term in alike if term.free is not None or term.value != 0]
    if not left:
        return literal(0.0)
    parts = [(term.value < 0, writer.write(_positive(term)), term) for term in left]
    parts.sort(key=lambda part: (part[0], writer.order(_core(part[2], writer))))
    added = [written for negative, written, _ in parts if not negative]
    subtracted = [written for negative, written, _ in parts if negative]
    if not added:
        # One term can take the sign of all before it, if it has a number.
        able = [k for k, (_, _, t) in enumerate(parts) if t.free is not None or abs(t.value) != 1]
        if not able:
            total = subtracted[0]
            for written in subtracted[1:]:
                total = apply("add", total, written)
            return apply("neg", total) if "neg" in writer.allowed else apply("mul", literal(-1.0), total)
        added = [writer.write(parts[able[0]][2])]
        del subtracted[able[0]]
    total = added[0]
    for written in added[1:]:
        total = apply("add", total, written)
    for written in subtracted:
        total = apply("sub", total, written)
    return total


def negated(e: Expression, writer: Writer) -> Expression:
    """The formula with the other sign."""
    return write_terms([_scaled(term, -1.0) for term in terms_of(e, writer)], writer)


def _core(term: Product, writer: Writer) -> Expression:
    return writer.write(term.bare) if term.powers or term.exponentials else literal(1.0)


def _opened(term: Product, writer: Writer) -> list[Product]:
    """The terms of a bracket with a number before it."""
    if len(term.powers) == 1 and not term.exponentials:
        ((base, power),) = term.powers.items()
        entry = OPERATORS_BY_CODE.get(int(base.ops[-1]))
        if entry is not None and entry.name in ("add", "sub") and power == 1:
            inner = terms_of(base, writer)
            if len(inner) <= _MOST_TERMS:
                number = Product(term.free, term.exact)
                return [part.times(number) for part in inner]
    return [term]


def _added(a: Product, b: Product) -> Product | None:
    """The sum of two like terms, if their numbers can be added to one."""
    total = a.value + b.value
    if a.free is not None or b.free is not None:
        return Product(total, [], a.powers, a.exponentials)
    known = [known_number(v) for v in (a.value, b.value, total)]
    if total != 0 and None in known:
        return None
    return Product(None, [total], a.powers, a.exponentials)


def _scaled(term: Product, factor: float) -> Product:
    return Product(term.free, [*term.exact, factor], term.powers, term.exponentials)


def _positive(term: Product) -> Product:
    return _scaled(term, -1.0) if term.value < 0 else term
