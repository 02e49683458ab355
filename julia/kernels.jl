# Values and derivatives of a program, block by block, so that all intermediate results stay in the cache.

const BLOCK = 256  # rows at a time

"""
    Workspace(capacity)

Room for one program of at most `capacity` nodes and for its values and adjoints in a block of rows. A task needs its own.
"""
mutable struct Workspace
    const ops::Vector{Int16}
    const args::Vector{Int16}
    const values::Vector{Float64}
    const left::Vector{Int32}  # node of the first and the second operand, 0 where there is none
    const right::Vector{Int32}
    const has_constant::Vector{Bool}  # whether a free constant occurs at or below the node
    const depth::Vector{Int32}  # nodes on the longest way down to a leaf
    const constants::Vector{Int32}  # nodes of the free constants
    const stack::Vector{Int32}
    const value::Matrix{Float64}  # BLOCK x capacity
    const adjoint::Matrix{Float64}
    const source::Vector{Ptr{Float64}}
    length::Int
    n_constants::Int
end

function Workspace(capacity::Int)
    integers() = zeros(Int32, capacity)
    return Workspace(zeros(Int16, capacity), zeros(Int16, capacity), zeros(capacity), integers(), integers(),
                     zeros(Bool, capacity), integers(), integers(), integers(), zeros(BLOCK, capacity), zeros(BLOCK, capacity),
                     fill(Ptr{Float64}(0), capacity), 0, 0)
end

capacity(w::Workspace) = length(w.ops)

"""
    Table(columns, y, weights)

What programs are compared with: `columns` with a column per feature and a row per data row, the target, and the factors
of the squared residuals in the loss.
"""
struct Table{M<:AbstractMatrix{Float64},V<:AbstractVector{Float64}}
    columns::M
    y::V
    weights::V

    function Table(columns::M, y::V, weights::V) where {M,V}
        size(columns, 1) == length(y) == length(weights) ||
            throw(ArgumentError("$(size(columns, 1)) rows of features, $(length(y)) of the target, $(length(weights)) weights"))
        stride(columns, 1) == 1 || throw(ArgumentError("a feature's rows must lie side by side in memory"))
        return new{M,V}(columns, y, weights)
    end
end

n_rows(table::Table) = length(table.y)

"""
    link!(work)

Find every node's operands after `ops`, `args`, `values` and `length` were set.
"""
function link!(w::Workspace)
    top = 0
    w.n_constants = 0
    @inbounds for i in 1:w.length
        op = w.ops[i]
        if op == CONSTANT
            w.n_constants += 1
            w.constants[w.n_constants] = i
            w.left[i] = w.right[i] = 0
            w.has_constant[i] = true
            w.depth[i] = 1
        elseif op <= VARIABLE
            w.left[i] = w.right[i] = 0
            w.has_constant[i] = false
            w.depth[i] = 1
        elseif ARITY[op + 1] == 1
            w.left[i], w.right[i] = w.stack[top], 0
            w.has_constant[i] = w.has_constant[w.left[i]]
            w.depth[i] = 1 + w.depth[w.left[i]]
            top -= 1
        else
            w.left[i], w.right[i] = w.stack[top - 1], w.stack[top]
            w.has_constant[i] = w.has_constant[w.left[i]] || w.has_constant[w.right[i]]
            w.depth[i] = 1 + max(w.depth[w.left[i]], w.depth[w.right[i]])
            top -= 2
        end
        top += 1
        w.stack[top] = i
    end
    return w
end

"Fill the rows of the numbers, once for all blocks."
function load_numbers!(w::Workspace)
    @inbounds for i in 1:w.length
        w.ops[i] <= LITERAL && fill!(view(w.value, :, i), w.values[i])
    end
end

"""
    forward!(work, columns, first, n)

Values of all nodes in rows `first` to `first + n - 1`; the last node's are the formula's.
"""
function forward!(w::Workspace, columns, first::Int, n::Int)
    @inbounds for i in 1:w.length
        op = w.ops[i]
        out = pointer(w.value, (i - 1) * BLOCK + 1)
        if op == VARIABLE
            out = pointer(columns) + ((w.args[i]) * stride(columns, 2) + first - 1) * sizeof(Float64)
        elseif op > VARIABLE
            a = w.source[w.left[i]]
            b = w.right[i] == 0 ? a : w.source[w.right[i]]
            apply!(op, out, a, b, n)
        end
        w.source[i] = out
    end
end

"Derivatives of the last node with respect to every node that leads to a free constant, in the block of `forward!`."
function backward!(w::Workspace, n::Int)
    @inbounds fill!(view(w.adjoint, 1:n, w.length), 1.0)
    @inbounds for i in (w.length):-1:1
        (w.ops[i] > VARIABLE && w.has_constant[i]) || continue
        a = w.source[w.left[i]]
        binary = w.right[i] != 0
        b = binary ? w.source[w.right[i]] : a
        into_a = pointer(w.adjoint, (w.left[i] - 1) * BLOCK + 1)
        into_b = binary ? pointer(w.adjoint, (w.right[i] - 1) * BLOCK + 1) : into_a
        differentiate!(w.ops[i], binary, into_a, into_b, pointer(w.adjoint, (i - 1) * BLOCK + 1), a, b,
                       pointer(w.value, (i - 1) * BLOCK + 1), n)
    end
end

# One loop for every operator, chosen by its opcode: compiled once, whichever operators a search uses.
let chosen = Expr(:block), derived = Expr(:block)
    for op in (VARIABLE + 1):(length(ARITY) - 1)
        push!(chosen.args, :(if op == $op
            @simd ivdep for i in 1:n
                unsafe_store!(out, value(Val($op), unsafe_load(a, i), unsafe_load(b, i)), i)
            end
            return nothing
        end))
        push!(derived.args, :(if op == $op
            @simd ivdep for i in 1:n
                da, db = partials(Val($op), unsafe_load(a, i), unsafe_load(b, i), unsafe_load(v, i))
                above = unsafe_load(adjoint, i)
                $(ARITY[op + 1] == 2 ? :(unsafe_store!(into_b, above * db, i)) : nothing)
                unsafe_store!(into_a, above * da, i)
            end
            return nothing
        end))
    end
    @eval function apply!(op::Integer, out::Ptr{Float64}, a::Ptr{Float64}, b::Ptr{Float64}, n::Int)
        $chosen
        throw(ArgumentError("opcode $op is not in the operator table"))
    end
    @eval function differentiate!(op::Integer, binary::Bool, into_a::Ptr{Float64}, into_b::Ptr{Float64},
                                  adjoint::Ptr{Float64}, a::Ptr{Float64}, b::Ptr{Float64}, v::Ptr{Float64}, n::Int)
        $derived
        throw(ArgumentError("opcode $op is not in the operator table"))
    end
end

"""
    sum_loss!(work, table, bound=Inf)

Weighted sum of squared residuals of the linked program; `Inf` where it has no value in some row, or as soon as it is
above `bound`.
"""
function sum_loss!(w::Workspace, table::Table, bound::Float64=Inf)
    load_numbers!(w)
    total = 0.0
    rows = n_rows(table)
    GC.@preserve w table for first in 1:BLOCK:rows
        n = min(BLOCK, rows - first + 1)
        forward!(w, table.columns, first, n)
        found = w.source[w.length]
        part = 0.0
        @inbounds @simd for i in 1:n
            residual = unsafe_load(found, i) - table.y[first + i - 1]
            part += table.weights[first + i - 1] * residual * residual
        end
        total += part
        (total <= bound) || return Inf  # also where it is NaN
    end
    return isfinite(total) ? total : Inf
end

"""
    normal_equations!(normal, gradient, work, table)

Sum of squared residuals; fills the first `n_constants` rows and columns of `normal` with J'WJ and `gradient` with J'Wr.
"""
function normal_equations!(normal::Matrix{Float64}, gradient::Vector{Float64}, w::Workspace, table::Table)
    k = w.n_constants
    fill!(view(normal, 1:k, 1:k), 0.0)
    fill!(view(gradient, 1:k), 0.0)
    load_numbers!(w)
    total = 0.0
    rows = n_rows(table)
    GC.@preserve w table for first in 1:BLOCK:rows
        n = min(BLOCK, rows - first + 1)
        forward!(w, table.columns, first, n)
        backward!(w, n)
        found = w.source[w.length]
        weights = pointer(table.weights, first)
        y = pointer(table.y, first)
        part = 0.0
        @inbounds @simd for i in 1:n
            residual = unsafe_load(found, i) - unsafe_load(y, i)
            part += unsafe_load(weights, i) * residual * residual
        end
        total += part
        isfinite(total) || return Inf
        for p in 1:k
            dp = pointer(w.adjoint, (w.constants[p] - 1) * BLOCK + 1)
            slope = 0.0
            @simd for i in 1:n
                slope += unsafe_load(weights, i) * (unsafe_load(found, i) - unsafe_load(y, i)) * unsafe_load(dp, i)
            end
            gradient[p] += slope
            for q in 1:p
                dq = pointer(w.adjoint, (w.constants[q] - 1) * BLOCK + 1)
                product = 0.0
                @simd for i in 1:n
                    product += unsafe_load(weights, i) * unsafe_load(dp, i) * unsafe_load(dq, i)
                end
                normal[p, q] += product
            end
        end
    end
    return total
end
