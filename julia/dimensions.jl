# Whether a formula holds dimensionally: algebra on exponents, solved for the units of free constants, never on data.
#
# Every node has a dimension that is linear in the unknown dimensions of the free constants (and of exact zeros, which
# fit any). Where an operator asks for something, that is one linear equation with a right side per base quantity, kept
# solved. Rules and verdict are those of balmer.expressions.dimensions. A search asks a million times, so this one
# computes in floats and takes no memory after the first formula of a size.

const LARGEST_DENOMINATOR = 12
const FITTED_DENOMINATOR = 10_000
const LITERAL_DENOMINATOR = 1000
const LARGEST_DISTANCE = 1e6
const RULE_POWERS = Float64.(POWER)

"""
    DimensionWork(nodes=64, unknowns=24)

Room for the check of one formula of that many nodes and constants; it grows where needed. A task needs its own.
"""
mutable struct DimensionWork
    # The stack: an entry's dimension is what is known of it times powers of the unknowns, and its number the value of a
    # part without features.
    const known::Vector{Exponents}
    const number::Vector{Float64}
    const kind::Vector{Int8}
    powers::Matrix{Float64}  # of unknown u in entry d: [u, d]
    # The equation solved for unknown u: u times these powers of the others times what is known is a pure number.
    const solved::Vector{Bool}
    const equation_known::Vector{Exponents}
    equation::Matrix{Float64}
    # The dimension that is loaded to make an equation of, and the number of unknowns of this formula.
    rest_known::Exponents
    const rest::Vector{Float64}
    n_unknowns::Int
    distance::Float64
end

function DimensionWork(nodes::Int=64, unknowns::Int=24)
    work = DimensionWork([], [], [], zeros(0, 0), [], [], zeros(0, 0), NO_DIMENSION, [], 0, 0.0)
    make_room!(work, nodes, unknowns)
    return work
end

function make_room!(work::DimensionWork, nodes::Int, unknowns::Int)
    nodes <= length(work.known) && unknowns <= length(work.rest) && return nothing
    rows, columns = max(unknowns, length(work.rest)), max(nodes, length(work.known))
    foreach(each -> resize!(each, columns), (work.known, work.number, work.kind))
    foreach(each -> resize!(each, rows), (work.solved, work.equation_known, work.rest))
    work.powers, work.equation = zeros(rows, columns), zeros(rows, rows)
    return nothing
end

# What an entry's number is: there is none where a feature occurs; one in which a free constant occurs can be fitted.
const NO_NUMBER, EXACT_NUMBER, FREE_NUMBER = Int8(0), Int8(1), Int8(2)

"""
    distance!(work, ops, args, values, n, units) -> Float64

How far the formula in the first `n` nodes is from holding dimensionally: 0.0 exactly if it holds, i.e. if the constants
can have dimensions with which everything fits.

Where something does not fit, the exponents left over are counted, in absolute value over all base quantities: adding a
length to a time is 2 off. These numbers are summed over the formula, in which after a misfit the first operand's
dimension is taken. They do not depend on the order of the base quantities. `LARGEST_DISTANCE` bounds the sum.

`ops`, `args` and `values` are as in `evaluate`, `units` is a `UnitSystem`. Takes no memory unless `work` is too small.

Throws an `ArgumentError` if this is not one formula, or uses a feature or constant that `units` does not give.
"""
function distance!(work::DimensionWork, ops, args, values, n::Int, units::UnitSystem)::Float64
    walk!(work, ops, args, values, n, units)
    target = units.target
    if target !== nothing
        load!(work, 1)
        work.rest_known = add(work.rest_known, -1.0, target)
        require!(work)
    end
    return min(work.distance, LARGEST_DISTANCE)
end

"""
    check_dimensions(ops, args, values, units) -> (; holds, distance, constants, flagged, dimension)

Check a formula and solve for the dimensions of its free constants.

`constants` holds the exponents of each free constant in postfix order, `nothing` where no equation fixes them;
`dimension` those of the value. Both are `nothing` throughout if the formula does not hold. `flagged` says of each
constant whether its unit was solved for and is no simple product of the problem's own (`is_simple_product`): such a
constant may hide a wrong formula. `distance` is that of `distance!`, and so are the errors.
"""
function check_dimensions(ops, args, values, units::UnitSystem)
    length(ops) == length(args) == length(values) || throw(ArgumentError("ops, args and values differ in length"))
    work = DimensionWork(length(ops), count(<=(LITERAL), ops))
    distance = distance!(work, ops, args, values, length(ops), units)
    constants = Vector{Union{Nothing,Exponents}}(nothing, count(==(CONSTANT), ops))
    flagged = zeros(Bool, length(constants))
    distance > 0 && return (; holds=false, distance, constants, flagged, dimension=nothing)
    problem = problem_units(units)
    k, unknown = 0, 0
    for (op, value) in zip(ops, values)
        if op == LITERAL
            unknown += iszero(value)
        elseif op == CONSTANT
            k += 1
            constants[k] = given_exponents(units, k)
            constants[k] === nothing || continue
            load_unknown!(work, unknown += 1)
            constants[k] = solution!(work)
            flagged[k] = constants[k] !== nothing && !is_simple_product(constants[k], problem)
        end
    end
    load!(work, 1)
    return (; holds=true, distance, constants, flagged, dimension=solution!(work))
end

"""
    penalised(loss, distance, scale, strength) -> typeof(loss)

The loss of a formula that is `distance` away from holding: `loss + strength * distance * scale`.

`scale` is the loss of the best constant, in the unit of the loss (for squared residuals the target's variance, in the
target's unit squared), so that the order of formulas is the same in whatever units the target is given. `strength` has
no unit: with 1, each wrong exponent costs as much as explaining nothing. With `Inf` what does not hold is forbidden. A
formula that holds keeps its loss exactly.
"""
function penalised(loss::Real, distance::Real, scale::Real, strength::Real)
    distance == 0 && return loss
    return oftype(loss, isinf(strength) ? strength : loss + strength * distance * scale)
end

# -- the walk ------------------------------------------------------------------------------------------------------------

"Walk a formula, leaving its dimension in entry 1, its equations, and its distance but for the target's."
function walk!(work::DimensionWork, ops, args, values, n::Int, units::UnitSystem)
    prepare!(work, ops, values, n, units)
    depth, n_constants, unknown = 0, 0, 0
    for i in 1:n
        op = Int(ops[i])
        arity = Int(ARITY[op + 1])
        depth += 1 - arity
        depth >= 1 || throw(ArgumentError("operands and operators do not match"))
        if op == VARIABLE
            arg = Int(args[i])
            0 <= arg < length(units.features) || throw(ArgumentError("feature $arg has no dimension"))
            put!(work, depth, units.features[arg + 1], 0.0, NO_NUMBER)
        elseif op == LITERAL
            put!(work, depth, NO_DIMENSION, Float64(values[i]), EXACT_NUMBER)
            if iszero(values[i])
                work.powers[unknown += 1, depth] = 1.0
            end
        elseif op == CONSTANT
            given = given_exponents(units, n_constants += 1)
            put!(work, depth, given === nothing ? NO_DIMENSION : given, Float64(values[i]), FREE_NUMBER)
            if given === nothing
                work.powers[unknown += 1, depth] = 1.0
            end
        else
            combine!(work, op, arity, depth)
        end
    end
    depth == 1 || throw(ArgumentError("operands and operators do not match"))
    return nothing
end

function prepare!(work::DimensionWork, ops, values, n::Int, units::UnitSystem)
    unknowns, n_constants = 0, 0
    for i in 1:n
        op = ops[i]
        0 <= op < length(RULE) || throw(ArgumentError("opcode $op is not in the operator table"))
        if op == LITERAL
            unknowns += iszero(values[i])
        elseif op == CONSTANT
            unknowns += given_exponents(units, n_constants += 1) === nothing
        end
    end
    make_room!(work, n, unknowns)
    for u in 1:unknowns
        work.solved[u] = false
    end
    work.n_unknowns = unknowns
    work.distance = 0.0
    return nothing
end

@inline function put!(work::DimensionWork, d::Int, known::Exponents, number::Float64, kind::Int8)
    work.known[d], work.number[d], work.kind[d] = known, number, kind
    for u in 1:(work.n_unknowns)
        work.powers[u, d] = 0.0
    end
end

"Put the operator's result in the place of its operands, which stand in the entries from `d`."
function combine!(work::DimensionWork, op::Int, arity::Int, d::Int)
    last = d + arity - 1
    kind = min(work.kind[d], work.kind[last]) == NO_NUMBER ? NO_NUMBER : max(work.kind[d], work.kind[last])
    number = kind == NO_NUMBER ? 0.0 : number_value(op, work.number[d], work.number[last])
    rule = RULE[op + 1]
    if rule == RULE_PRODUCT
        multiply!(work, d, last, 1.0)
    elseif rule == RULE_QUOTIENT
        multiply!(work, d, last, -1.0)
    elseif rule == RULE_POWER
        raise!(work, d, RULE_POWERS[op + 1])
    elseif rule == RULE_SAME
        load!(work, d)
        divide_rest!(work, last)
        require!(work)
    elseif rule == RULE_POW
        raise_to_entry!(work, d, last)
    else
        for entry in d:last
            require_pure!(work, entry)
        end
        put!(work, d, NO_DIMENSION, 0.0, NO_NUMBER)
    end
    work.number[d], work.kind[d] = number, kind
    return nothing
end

function multiply!(work::DimensionWork, d::Int, other::Int, power::Float64)
    work.known[d] = add(work.known[d], power, work.known[other])
    for u in 1:(work.n_unknowns)
        work.powers[u, d] += power * work.powers[u, other]
    end
end

function raise!(work::DimensionWork, d::Int, power::Float64)
    work.known[d] = map(x -> power * x, work.known[d])
    for u in 1:(work.n_unknowns)
        work.powers[u, d] *= power
    end
end

function raise_to_entry!(work::DimensionWork, d::Int, exponent::Int)
    require_pure!(work, exponent)
    power = rational(work.number[exponent], work.kind[exponent])
    if isnan(power)
        # Then the exponent is a different one in every row, or no simple number.
        require_pure!(work, d)
        power = 0.0
    end
    raise!(work, d, power)
end

# The value of an operator on numbers, by an opcode that is not known before it is run.
@eval number_value(op::Int, a::Float64, b::Float64) =
    $(foldr((code, others) -> :(op == $code ? value(Val($code), a, b) : $others), 3:(length(NAMES) - 1); init=NaN))

"""
The simple rational that an exponent is, or if it is free the rational that it is nearest to; NaN if it has no number or
is no simple one.
"""
function rational(number::Float64, kind::Int8)
    (kind == NO_NUMBER || !isfinite(number)) && return NaN
    near = nearest_fraction(number, LARGEST_DENOMINATOR)
    abs(near - number) <= NEAR * max(1.0, abs(number)) && return near
    # A fitted exponent such as 3.47 is legal too: a constant beside the power takes the odd unit.
    kind == FREE_NUMBER && return nearest_fraction(number, FITTED_DENOMINATOR)
    return nearest_fraction(number, LITERAL_DENOMINATOR) == number ? number : NaN
end

"The fraction with a denominator up to `largest` that is nearest, by the convergents of the continued fraction."
function nearest_fraction(x::Float64, largest::Int)
    p, q, p_before, q_before = 1.0, 0.0, 0.0, 1.0
    rest = x
    while true
        whole = floor(rest)
        q_next = q_before + whole * q
        q_next > largest && break
        p, q, p_before, q_before = p_before + whole * p, q_next, p, q
        rest == whole && return p / q
        rest = 1 / (rest - whole)
    end
    steps = floor((largest - q_before) / q)
    between, last = (p_before + steps * p) / (q_before + steps * q), p / q
    return abs(last - x) <= abs(between - x) ? last : between
end

# -- equations -----------------------------------------------------------------------------------------------------------

@inline add(a::Exponents, factor::Float64, b::Exponents) = ntuple(i -> a[i] + factor * b[i], Val(8))

function load!(work::DimensionWork, d::Int)
    work.rest_known = work.known[d]
    for u in 1:(work.n_unknowns)
        work.rest[u] = work.powers[u, d]
    end
end

function load_unknown!(work::DimensionWork, unknown::Int)
    work.rest_known = NO_DIMENSION
    for u in 1:(work.n_unknowns)
        work.rest[u] = u == unknown
    end
end

function divide_rest!(work::DimensionWork, d::Int)
    work.rest_known = add(work.rest_known, -1.0, work.known[d])
    for u in 1:(work.n_unknowns)
        work.rest[u] -= work.powers[u, d]
    end
end

function require_pure!(work::DimensionWork, d::Int)
    load!(work, d)
    require!(work)
end

"Add the equation that the loaded dimension is a pure number; where it contradicts the others, add to the distance."
function require!(work::DimensionWork)
    reduce!(work)
    pivot, largest = 0, NEAR
    for u in 1:(work.n_unknowns)
        if abs(work.rest[u]) > largest
            pivot, largest = u, abs(work.rest[u])
        end
    end
    if pivot == 0
        size = sum(abs, work.rest_known)
        # What is no number any more, after absurd powers, is as far off as anything can be.
        work.distance += size <= NEAR ? 0.0 : isfinite(size) ? size : LARGEST_DISTANCE
    else
        solve!(work, pivot)
    end
    return nothing
end

"Put into the loaded dimension what the equations say of the unknowns that they are solved for."
function reduce!(work::DimensionWork)
    for solved in 1:(work.n_unknowns)
        work.solved[solved] && work.rest[solved] != 0 || continue
        factor = -work.rest[solved]
        work.rest_known = add(work.rest_known, factor, work.equation_known[solved])
        for u in 1:(work.n_unknowns)
            work.rest[u] += factor * work.equation[u, solved]
        end
        work.rest[solved] = 0.0
    end
end

"Keep the loaded equation, solved for `pivot`, and free the others of it."
function solve!(work::DimensionWork, pivot::Int)
    share = 1 / work.rest[pivot]
    work.equation_known[pivot] = map(x -> share * x, work.rest_known)
    for u in 1:(work.n_unknowns)
        work.equation[u, pivot] = share * work.rest[u]
    end
    for other in 1:(work.n_unknowns)
        work.solved[other] && work.equation[pivot, other] != 0 || continue
        factor = -work.equation[pivot, other]
        work.equation_known[other] = add(work.equation_known[other], factor, work.equation_known[pivot])
        for u in 1:(work.n_unknowns)
            work.equation[u, other] += factor * work.equation[u, pivot]
        end
        work.equation[pivot, other] = 0.0
    end
    work.solved[pivot] = true
end

"Exponents of the loaded dimension by the equations, `nothing` where they do not fix them."
function solution!(work::DimensionWork)
    reduce!(work)
    any(u -> abs(work.rest[u]) > NEAR, 1:(work.n_unknowns)) && return nothing
    return map(x -> abs(x) <= NEAR ? 0.0 : x, work.rest_known)
end
