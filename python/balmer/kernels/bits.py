"""Numbers as bits and products fused with sums: what the elementary functions need of the machine, for both widths."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["bits", "exact_fma", "fma", "number", "whole"]

_WORD = {types.float64: types.uint64, types.float32: types.uint32}
_REAL = {word: real for real, word in _WORD.items()}


@intrinsic
def bits(typingctx: Any, x: Any) -> Any:
    """The bits of a float as a whole number without sign."""
    word = _WORD[x]
    return word(x), lambda c, b, s, a: b.bitcast(a[0], ir.IntType(word.bitwidth))


@intrinsic
def number(typingctx: Any, x: Any) -> Any:
    """The float that has these bits."""
    real = _REAL[x]
    return real(x), lambda c, b, s, a: b.bitcast(a[0], c.get_value_type(real))


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a*b + c, rounded once where the processor has an instruction for it and twice where it has none."""
    return _calling("llvm.fmuladd", a, 3)


@intrinsic
def exact_fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a*b + c, rounded once on every processor."""
    return _calling("llvm.fma", a, 3)


@intrinsic
def whole(typingctx: Any, x: Any) -> Any:
    """The largest whole number not above x, as a float."""
    return _calling("llvm.floor", x, 1)


def _calling(name: str, kind: Any, arity: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = context.get_value_type(kind)
        function = builder.module.declare_intrinsic(name, [real], ir.FunctionType(real, [real] * arity))
        return builder.call(function, arguments)

    return kind(*[kind] * arity), generate
