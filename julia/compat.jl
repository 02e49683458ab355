# Everything taken from SymbolicRegression.jl. Its exported names are the same in 2.0.0-alpha.10 and in the 2.x releases; the
# changes of trees inside it are not, so each is tried when this package is compiled, and ours stands in where it fails.

using SymbolicRegression: SymbolicRegression, Node, NodeSampler, OperatorEnum, Options, combine_operators, gen_random_tree,
                          set_node!, simplify_tree!
using Random: Random, Xoshiro

const SR = SymbolicRegression
const DE = Base.moduleroot(parentmodule(Node))  # DynamicExpressions, which it does not export
const Tree = Node{Float64,2}

"Operand `i` of a node."
child(node, i::Int) = i == 1 ? node.l : node.r

constant_node(value) = Tree(; val=value)
feature_node(feature) = Tree(; feature=feature)
operator_node(op, a) = Tree(; op=op, children=(a,))
operator_node(op, a, b) = Tree(; op=op, children=(a, b))

"SymbolicRegression's options for operators of one and of two arguments."
function sr_options(unary::Tuple, binary::Tuple)
    # No helper functions: they would be defined in other packages, which a package that is being compiled must not do.
    operators = OperatorEnum(1 => unary, 2 => binary; define_helper_functions=false)
    return Options(; operators, save_to_file=false, define_helper_functions=false)
end

"""
    theirs(name, call, ours)

`call` with SymbolicRegression's function of that name, or `ours` if this version has none that can be called so.
"""
function theirs(name::Symbol, call, ours)
    f = :MutationFunctionsModule in names(SR; all=true) ? getfield(SR, :MutationFunctionsModule) : SR
    isdefined(f, name) || return ours
    change = Base.Fix1(call, getfield(f, name))
    language = Language([EXAMPLE_UNARY], [EXAMPLE_BINARY], 2, Float64[])
    example() = operator_node(1, operator_node(1, feature_node(1)), operator_node(1, constant_node(1.0), feature_node(2)))
    try
        for _ in 1:20
            changed = change((example(), language))
            all(node -> node isa Tree, changed isa Tuple ? changed : (changed,)) || return ours
        end
    catch
        return ours
    end
    return change
end
