# The units of a problem, and which other units are simple products of them.

"Exponents over the base quantities m, kg, s, A, K, mol, cd and the energy of natural units, in that order."
const Exponents = NTuple{8,Float64}

const NO_DIMENSION::Exponents = ntuple(_ -> 0.0, 8)
const NEAR = 1e-6  # exponents, and shares of unknowns, that differ by less are equal
const LARGEST_POWER = 6
const ROOTS = 1:4

"""
    UnitSystem(features, target=nothing; constants=:free)

The dimensions of a problem.

- `features`: 8 exponents (an `Exponents`, or anything that iterates over 8 numbers) for each feature.
- `target`: those that the formula's value must have; `nothing` if any will do.
- `constants`: `:free` if the unit of a free constant is solved for, `:dimensionless` if it is 1, or a vector with the
  exponents of each constant in postfix order, `nothing` for those to be solved for.

Throws an `ArgumentError` if there are not 8 exponents, or `constants` is none of these.
"""
struct UnitSystem
    features::Vector{Exponents}
    target::Union{Nothing,Exponents}
    constants::Symbol  # :free, :dimensionless or :given
    given::Vector{Union{Nothing,Exponents}}
end

function UnitSystem(features, target=nothing; constants=:free)
    kind = constants isa Symbol ? constants : :given
    kind in (:free, :dimensionless, :given) ||
        throw(ArgumentError("constants may be :free, :dimensionless or a vector of exponents, not :$kind"))
    given = kind == :given ? collect(constants) : []
    return UnitSystem(map(exponents, collect(features)), exponents(target), kind, map(exponents, given))
end

exponents(::Nothing) = nothing

function exponents(numbers)::Exponents
    length(numbers) == 8 || throw(ArgumentError("a dimension has 8 exponents, $(length(numbers)) were given"))
    return Tuple(Float64.(collect(numbers)))
end

"Exponents that constant `k` was given, `nothing` if they are to be solved for."
@inline function given_exponents(units::UnitSystem, k::Int)
    units.constants === :free && return nothing
    units.constants === :dimensionless && return NO_DIMENSION
    k <= length(units.given) || throw(ArgumentError("constant $k has no entry among the given dimensions"))
    return units.given[k]
end

"Distinct dimensions of the features, the target and the constants that were given one, but for pure numbers."
function problem_units(units::UnitSystem)
    all_units = [units.features; Exponents[unit for unit in (units.target, units.given...) if unit !== nothing]]
    return unique(filter(unit -> any(!iszero, unit), all_units))
end

"""
    is_simple_product(unit, units) -> Bool

Whether `unit` is a product of powers of independent `units` (vectors of 8 exponents), each power a multiple of 1, 1/2,
1/3 or 1/4 of at most 6. A unit that equations fix is always a product of the problem's units to *some* powers; those
with powers such as -1.37 or 9 are what this is to find.
"""
is_simple_product(unit::Exponents, units::Vector{Exponents}) = is_product(unit, units, 1, Exponents[])

"Whether it is a simple product of the `chosen` units and of others from the one numbered `from`."
function is_product(unit::Exponents, units::Vector{Exponents}, from::Int, chosen::Vector{Exponents})
    powers, misfit = powers_of(unit, chosen)
    powers === nothing && return false
    # Powers of independent units are the only ones: with more of them the others would be to the power 0.
    misfit <= NEAR && return all(is_simple, powers)
    return any(k -> is_product(unit, units, k + 1, [chosen; units[k:k]]), from:length(units))
end

is_simple(power) = abs(power) <= LARGEST_POWER && any(root -> abs(root * power - round(root * power)) <= NEAR, ROOTS)

"""
The powers to which `units` give `unit`, and the largest exponent that they leave over; `nothing` for the powers if the
units are not independent.
"""
function powers_of(unit::Exponents, units::Vector{Exponents})
    n = length(units)
    rows = [j <= n ? units[j][i] : unit[i] for i in 1:8, j in 1:(n + 1)]
    for j in 1:n
        j <= 8 || return nothing, Inf
        largest, step = findmax(abs, @view rows[j:8, j])
        largest > NEAR || return nothing, Inf
        pivot = j + step - 1
        rows[j, :], rows[pivot, :] = rows[pivot, :], rows[j, :]
        rows[j, :] ./= rows[j, j]
        for i in 1:8
            i == j || (rows[i, :] .-= rows[i, j] .* rows[j, :])
        end
    end
    return rows[1:n, n + 1], maximum(abs, @view(rows[(n + 1):8, n + 1]); init=0.0)
end
