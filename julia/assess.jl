# What a formula is worth: its loss, its dimensions, its size, and its place in the archive.

"Sizes that formulas keep to; `cost` is the complexity of a node by opcode + 1."
struct Limits
    cost::Vector{Int}
    max_complexity::Int
    max_depth::Int
    max_constants::Int
end

"The best formula of each complexity and number of constants."
struct Archive
    loss::Matrix{Float64}  # max_complexity x (max_constants + 1)
    program::Matrix{Union{Nothing,Program}}
end

function Archive(limits::Limits)
    shape = (limits.max_complexity, limits.max_constants + 1)
    return Archive(fill(Inf, shape), Matrix{Union{Nothing,Program}}(nothing, shape))
end

function gather!(into::Archive, from::Archive)
    for i in eachindex(from.loss)
        if from.loss[i] < into.loss[i]
            into.loss[i], into.program[i] = from.loss[i], from.program[i]
        end
    end
    return into
end

"""
    Asked

What is searched for, the same for all islands: the data, the language and limits of formulas, and how units count:
`:ignore`, `:penalise` (a formula's loss grows with its distance in exponents) or `:forbid` (the same, and what does not
hold enters no archive).
"""
struct Asked{T<:Table}
    table::T
    language::Language
    limits::Limits
    units::Union{Nothing,UnitSystem}
    mode::Symbol
    strength::Float64
    baseline::Float64  # the loss of the best constant
end

"""
    Judge(asked)

An island's own view of the data: where SymbolicRegression.jl expects a Dataset, it asks this for the cost of a tree.
"""
mutable struct Judge{A<:Asked} <: Dataset{Float64,Float64}
    const asked::A
    const work::Workspace
    const fitter::Fitter
    const dimensions::DimensionWork
    const archive::Archive
    const use_baseline::Bool
    const baseline_loss::Float64
    evaluations::Int
    node_evaluations::Int
end

function Judge(asked::Asked)
    room = asked.limits.max_complexity + 2  # every node costs at least 1
    return Judge(asked, Workspace(room), Fitter(), DimensionWork(), Archive(asked.limits), true, asked.baseline, 0, 0)
end

# What SymbolicRegression.jl asks of a Dataset while it mutates.
max_features(judge::Judge, _) = n_leaves(judge.asked.language)
dataset_fraction(::Judge) = 1.0

function eval_cost(judge::Judge, member, ::SR.AbstractOptions; complexity=nothing)
    loss = lower!(judge.work, node_of(member), judge.asked.language) ? assess!(judge) : Inf
    return loss / judge.baseline_loss, loss
end

node_of(member::PopMember) = get_tree(member.tree)
node_of(expression::SR.AbstractExpression) = get_tree(expression)
node_of(node) = node

"""
    assess!(judge) -> Float64

Loss of the program in the workspace, with the penalty for its units; a good one enters the archive with its true loss.
"""
function assess!(judge::Judge)
    complexity = size_within(judge)
    complexity == 0 && return Inf
    loss = sum_loss!(judge.work, judge.asked.table)
    judge.evaluations += 1
    judge.node_evaluations += judge.work.length
    return record!(judge, loss, complexity)
end

"""
    refine!(judge; max_steps) -> Float64

Fit the constants of the program in the workspace, then as `assess!`.
"""
function refine!(judge::Judge; max_steps::Int)
    complexity = size_within(judge)
    complexity == 0 && return Inf
    loss, passes = fit!(judge.work, judge.fitter, judge.asked.table; max_steps)
    judge.evaluations += passes
    judge.node_evaluations += passes * judge.work.length
    return record!(judge, loss, complexity)
end

"Complexity of the program, 0 if it is outside the limits."
function size_within(judge::Judge)::Int
    w, limits = judge.work, judge.asked.limits
    complexity = 0
    @inbounds for i in 1:(w.length)
        complexity += limits.cost[w.ops[i] + 1]
    end
    inside = complexity <= limits.max_complexity && w.n_constants <= limits.max_constants &&
             w.depth[w.length] <= limits.max_depth
    return inside ? complexity : 0
end

function record!(judge::Judge, loss::Float64, complexity::Int)::Float64
    isfinite(loss) || return Inf
    asked, w, archive = judge.asked, judge.work, judge.archive
    distance = 0.0
    if asked.mode !== :ignore
        distance = distance!(judge.dimensions, w.ops, w.args, w.values, w.length, asked.units::UnitSystem)
    end
    if distance == 0.0 || asked.mode === :penalise
        k = w.n_constants + 1
        # A formula with wrong units is worse than its residuals say, in the archive too.
        worth = penalised(loss, distance, asked.baseline, asked.strength)
        if worth < archive.loss[complexity, k]
            archive.loss[complexity, k] = worth
            archive.program[complexity, k] = Program(w)
        end
        return worth
    end
    return penalised(loss, distance, asked.baseline, asked.strength)
end
