"""
    Balmer

The Julia side of Balmer. It reads the postfix programs in which formulas cross between Python and Julia, with the same
operators, meaning and domains: where a function has no real value it is NaN.
"""
module Balmer

export evaluate

include("operators.jl")
include("functions.jl")
include("programs.jl")

end
