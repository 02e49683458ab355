"""
    Balmer

The Julia side of Balmer: symbolic regression on SymbolicRegression.jl with dimensional analysis by algebra on exponents,
and probes for structure. Formulas cross between Python and Julia as postfix programs, with the same operators, meaning
and domains: where a function has no real value it is NaN.

From Julia alone, see `Balmer.search` and `Balmer.probe`.
"""
module Balmer

using PrecompileTools: @compile_workload

export Finding, evaluate, probe

include("operators.jl")
include("functions.jl")
include("programs.jl")
include("units.jl")
include("dimensions.jl")
include("kernels.jl")
include("levenberg.jl")
include("compat.jl")
include("trees.jl")
include("changes.jl")
include("constraints.jl")
include("assess.jl")
include("islands.jl")
include("search.jl")
include("state.jl")
include("bridge.jl")
include("native.jl")
include("structure.jl")
using .Structure: Finding, probe
include("probing.jl")

include("rehearsal.jl")

@compile_workload rehearse()

end
