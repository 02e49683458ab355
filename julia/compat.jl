# Everything taken from SymbolicRegression.jl beside its exported names, so that a change there is met in one place.

using SymbolicRegression: SymbolicRegression, Dataset, Expression, MutationWeights, Node, NodeSampler, OperatorEnum, Options,
                          PopMember, compute_complexity, count_nodes, gen_random_tree, get_tree, set_node!
using Random: Random, Xoshiro

const SR = SymbolicRegression
const DE = Base.moduleroot(parentmodule(Node))  # DynamicExpressions, which it does not export

"The part of SymbolicRegression.jl with that name, wherever among its modules this version keeps it."
function part(modules::Tuple, name::Symbol)
    for place in modules
        isdefined(SR, place) || continue
        found = getfield(SR, place)
        found isa Module && isdefined(found, name) && return getfield(found, name)
    end
    isdefined(SR, name) && return getfield(SR, name)
    error("SymbolicRegression $(pkgversion(SR)) has no $name, which Balmer's search is built on; \
           Balmer is known to work with 2.0.0-alpha.10")
end

const next_generation = part((:MutateModule,), :next_generation)
const crossover_generation = part((:MutateModule,), :crossover_generation)
const check_constraints = part((:CheckConstraintsModule,), :check_constraints)
const RunningSearchStatistics = part((:AdaptiveParsimonyModule,), :RunningSearchStatistics)
const update_frequencies! = part((:AdaptiveParsimonyModule,), :update_frequencies!)
const move_window! = part((:AdaptiveParsimonyModule,), :move_window!)
const normalize_frequencies! = part((:AdaptiveParsimonyModule,), :normalize_frequencies!)
const RecordType = part((:CoreModule, :RecorderModule), :RecordType)
const create_expression = part((:CoreModule,), :create_expression)

# What a Dataset of ours must answer to; `dataset_fraction` came with the 2.0 series.
import SymbolicRegression.LossFunctionsModule: eval_cost
import SymbolicRegression.CoreModule: max_features
@static if isdefined(SymbolicRegression.CoreModule, :dataset_fraction)
    import SymbolicRegression.CoreModule: dataset_fraction
else
    function dataset_fraction end
end

"Operand `i` of a node; the 1.x series knew only the fields `l` and `r`."
child(node, i::Int) = i == 1 ? node.l : node.r

"A leaf or an operator on its operands."
constant_node(value) = Node{Float64}(; val=value)
feature_node(feature) = Node{Float64}(; feature=feature)
operator_node(op, a) = Node{Float64}(; op=op, l=a)
operator_node(op, a, b) = Node{Float64}(; op=op, l=a, r=b)

"Options of SymbolicRegression for these operators (tuples by number of arguments), costs and sizes."
function sr_options(unary, binary; population::Int, max_complexity::Int, max_depth::Int, tournament::Int, cost_of_operators,
                    cost_of_constants, cost_of_variables, parsimony_scaling)
    return Options(;
        operators=OperatorEnum((unary, binary)),
        population_size=population,
        maxsize=max(max_complexity, 4),  # it accepts no less; `check` has the last word
        maxdepth=max_depth,
        tournament_selection_n=tournament,
        complexity_of_operators=cost_of_operators,
        complexity_of_constants=cost_of_constants,
        complexity_of_variables=cost_of_variables,
        adaptive_parsimony_scaling=parsimony_scaling,
        deterministic=true,  # births come from the islands; this only keeps the clock out
        should_simplify=true,
        save_to_file=false,
        define_helper_functions=false,
    )
end
