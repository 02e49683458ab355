"""Calls of compiled functions through their addresses, so that each is compiled once and not into every caller.

numba links the machine code of a callee into its caller and optimises the whole anew, level by level: of the
evolution, with its many levels, that makes minutes. What is called once per candidate can stand behind a pointer.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["address_of", "call_at"]


def address_of(function: Any, *arguments: Any) -> np.uint64:
    """Compile a jitted function for arguments like these, or load it from numba's cache, and return its address."""
    types = tuple(numba.typeof(argument) for argument in arguments)
    function.compile(types)
    compiled = function.overloads[types]
    return np.uint64(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


@intrinsic
def call_at(typingctx, address, result, arguments):
    """Call the function at `address` with a tuple of arguments of just the types it was compiled for.

    `result` is any value of the type that the function returns. What the function raises is not passed on.
    """

    def generate(context, builder, signature, values):
        address, _, packed = values
        types = signature.args[2].types
        convention = context.call_conv
        function = convention.get_function_type(signature.return_type, types)
        pointer = builder.inttoptr(address, function.as_pointer())
        given = cgutils.unpack_tuple(builder, packed)
        _, value = convention.call_function(builder, pointer, signature.return_type, types, given)
        return value

    return result(address, result, arguments), generate
