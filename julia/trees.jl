# Between SymbolicRegression's trees, in which formulas evolve, and our programs, in which they are evaluated and reported.

"""
    Operation(code)

An operator of the table as a callable value. All operators have this one type, so that a search with other operators
needs no other compiled code.
"""
struct Operation <: Function
    code::Int16
end

(o::Operation)(x...) = MEANING[OPERATORS[Int(o.code)][1]](x...)
Base.nameof(o::Operation) = Symbol(OPERATORS[Int(o.code)][1])
Base.show(io::IO, o::Operation) = print(io, OPERATORS[Int(o.code)][1])

const ADD, SUBTRACT, MULTIPLY = (only(Int16(c) for (c, (name, _)) in OPERATORS if name == n) for n in ("add", "sub", "mul"))

if isdefined(DE, :SimplifyModule)
    # It collects the constants of sums and products when it knows which operators these are.
    DE.SimplifyModule.is_commutative(o::Operation) = o.code == ADD || o.code == MULTIPLY
    DE.SimplifyModule.is_subtraction(o::Operation) = o.code == SUBTRACT
end

"""
    Language(unary, binary, n_features, literals)

Which opcode an operator of a tree stands for, and which of the trees' features are really exact numbers: feature
`n_features + k` is the literal `literals[k]`.
"""
struct Language
    unary::Vector{Int16}
    binary::Vector{Int16}
    n_features::Int
    literals::Vector{Float64}
    options::Options

    function Language(unary, binary, n_features, literals)
        options = sr_options(Tuple(Operation.(unary)), Tuple(Operation.(binary)))
        return new(unary, binary, n_features, literals, options)
    end
end

"Number of features as trees count them."
n_leaves(language::Language) = language.n_features + length(language.literals)

"A formula at rest: opcodes, feature indices from 0, and numbers, in postfix order."
struct Program
    ops::Vector{Int16}
    args::Vector{Int16}
    values::Vector{Float64}
end

Program(w::Workspace) = Program(w.ops[1:(w.length)], w.args[1:(w.length)], w.values[1:(w.length)])
Base.length(p::Program) = length(p.ops)

"""
    lower!(work, node, language) -> Bool

Write the tree as a program; false if it is longer than the workspace.
"""
function lower!(w::Workspace, node, language::Language)
    w.length = 0
    append_node!(w, node, language) || return false
    link!(w)
    return true
end

function append_node!(w::Workspace, node, language::Language)::Bool
    if node.degree == 0
        node.constant && return append!(w, CONSTANT, 0, node.val)
        k = Int(node.feature) - language.n_features
        return k > 0 ? append!(w, LITERAL, 0, language.literals[k]) : append!(w, VARIABLE, Int(node.feature) - 1, 0.0)
    end
    append_node!(w, child(node, 1), language) || return false
    node.degree == 1 && return append!(w, language.unary[node.op], 0, 0.0)
    return append_node!(w, child(node, 2), language) && append!(w, language.binary[node.op], 0, 0.0)
end

function append!(w::Workspace, op, arg, value)::Bool
    w.length < capacity(w) || return false
    w.length += 1
    @inbounds w.ops[w.length], w.args[w.length], w.values[w.length] = op, arg, value
    return true
end

"Write the workspace's constants back into the tree that it was lowered from."
function store_constants!(node, w::Workspace, k::Int=0)::Int
    if node.degree == 0
        node.constant || return k
        node.val = w.values[w.constants[k + 1]]
        return k + 1
    end
    k = store_constants!(child(node, 1), w, k)
    return node.degree == 1 ? k : store_constants!(child(node, 2), w, k)
end

"""
    as_tree(program, language, replace=nothing)

The program as a tree of nodes. With `replace`, feature `i` becomes a copy of `replace[i + 1]`.

Throws an `ArgumentError` if the language lacks one of its operators or literals.
"""
function as_tree(program::Program, language::Language, replace=nothing)
    stack = Tree[]
    for (op, arg, value) in zip(program.ops, program.args, program.values)
        if op == CONSTANT
            push!(stack, constant_node(value))
        elseif op == LITERAL
            k = findfirst(==(value), language.literals)
            k === nothing && throw(ArgumentError("the literal $value is not among those of the search"))
            push!(stack, feature_node(language.n_features + k))
        elseif op == VARIABLE
            push!(stack, replace === nothing ? feature_node(arg + 1) : copy(replace[arg + 1]))
        elseif ARITY[op + 1] == 1
            push!(stack, operator_node(place(language.unary, op), pop!(stack)))
        else
            second, first = pop!(stack), pop!(stack)
            push!(stack, operator_node(place(language.binary, op), first, second))
        end
    end
    return only(stack)
end

function place(codes::Vector{Int16}, op::Int16)
    k = findfirst(==(op), codes)
    k === nothing && throw(ArgumentError("operator $(OPERATORS[Int(op)][1]) is not among those of the search"))
    return k
end
