# Postfix programs: operands stand before their operator; opcodes, feature indices (from 0) and numbers in three arrays.

const CONSTANT, LITERAL, VARIABLE = 0, 1, 2

"""
    evaluate(ops, args, values, X) -> Vector{Float64}

Values of a formula in every row.

`ops` are opcodes of `OPERATORS`, or 0 and 1 for a free constant and an exact number, 2 for a feature; `args` the feature's
index from 0; `values` the number. `X` has a row per feature and a column per data row.

Throws an `ArgumentError` if the arrays are not one formula of these features.
"""
function evaluate(ops::AbstractVector, args::AbstractVector, values::AbstractVector, X::AbstractMatrix)
    length(ops) == length(args) == length(values) || throw(ArgumentError("ops, args and values differ in length"))
    stack = Vector{Vector{Float64}}()
    for (op, arg, value) in zip(ops, args, values)
        if op == CONSTANT || op == LITERAL
            push!(stack, fill(Float64(value), size(X, 2)))
        elseif op == VARIABLE
            0 <= arg < size(X, 1) || throw(ArgumentError("feature $arg is not in the data"))
            push!(stack, Vector{Float64}(X[arg + 1, :]))
        else
            haskey(OPERATORS, op) || throw(ArgumentError("opcode $op is not in the operator table"))
            name, arity = OPERATORS[op]
            length(stack) >= arity || throw(ArgumentError("operands and operators do not match"))
            operands = splice!(stack, (length(stack) - arity + 1):length(stack))
            push!(stack, broadcast(MEANING[name], operands...))
        end
    end
    length(stack) == 1 || throw(ArgumentError("operands and operators do not match"))
    return only(stack)
end

"Opcode of an operator by its name in the table. Throws an `ArgumentError` if there is none."
function opcode(name)
    k = findfirst(==(String(name)), NAMES)
    k === nothing || k <= VARIABLE + 1 ? throw(ArgumentError("there is no operator $name; known are \
        $(join(NAMES[(VARIABLE + 2):end], " "))")) : Int16(k - 1)
end
