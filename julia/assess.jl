# What a formula is worth: its loss, its dimensions, its size, and its place in the archive.

"""
    Limits(cost, max_complexity, max_depth, max_constants; min_complexity=1, constraints=Constraints())

Sizes and shapes that formulas keep to; `cost` is the complexity of a node by opcode + 1, and after that by feature, where
each has its own. Smaller formulas than `min_complexity` live in populations, but enter no archive.
"""
struct Limits
    cost::Vector{Int}
    max_complexity::Int
    max_depth::Int
    max_constants::Int
    min_complexity::Int
    constraints::Constraints

    Limits(cost, max_complexity, max_depth, max_constants; min_complexity=1, constraints=Constraints()) =
        new(cost, max_complexity, max_depth, max_constants, min_complexity, constraints)
end

"Complexity of node `i` of a program."
function cost(limits::Limits, w::Workspace, i::Int)
    own = w.ops[i] == VARIABLE && length(limits.cost) > length(ARITY)
    return limits.cost[own ? length(ARITY) + w.args[i] + 1 : w.ops[i] + 1]
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

"An island's own view of the data: its workspaces, its archive, and a count of its work."
mutable struct Judge{A<:Asked}
    const asked::A
    const work::Workspace
    const fitter::Fitter
    const dimensions::DimensionWork
    const archive::Archive
    evaluations::Int
    node_evaluations::Int
end

function Judge(asked::Asked)
    room = asked.limits.max_complexity + 2  # every node costs at least 1
    return Judge(asked, Workspace(room), Fitter(), DimensionWork(), Archive(asked.limits), 0, 0)
end

"A formula of a population. `loss` includes the penalty for its units."
mutable struct Member
    const tree::Tree
    loss::Float64
    complexity::Int  # 0 where it is outside the limits
    birth::Int
end

Base.copy(m::Member) = Member(copy(m.tree), m.loss, m.complexity, m.birth)

"The tree as a member; its loss is infinite where it is outside the limits or has no value."
function member(judge::Judge, tree::Tree)
    lowered = lower!(judge.work, tree, judge.asked.language)
    complexity = lowered ? size_within(judge) : 0
    return Member(tree, complexity > 0 ? assess!(judge, complexity) : Inf, complexity, 0)
end

"Loss of the program in the workspace, with the penalty for its units; a good one enters the archive."
function assess!(judge::Judge, complexity::Int)
    loss = sum_loss!(judge.work, judge.asked.table)
    judge.evaluations += 1
    judge.node_evaluations += judge.work.length
    return record!(judge, loss, complexity)
end

"Fit the constants of the program in the workspace, then as `assess!`."
function refine!(judge::Judge, complexity::Int; max_steps::Int)
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
        complexity += cost(limits, w, i)
    end
    inside = complexity <= limits.max_complexity && w.n_constants <= limits.max_constants &&
             w.depth[w.length] <= limits.max_depth && obeys(limits.constraints, w, i -> cost(limits, w, i))
    return inside ? complexity : 0
end

function record!(judge::Judge, loss::Float64, complexity::Int)::Float64
    isfinite(loss) || return Inf
    asked, w, archive = judge.asked, judge.work, judge.archive
    distance = 0.0
    if asked.mode !== :ignore
        distance = distance!(judge.dimensions, w.ops, w.args, w.values, w.length, asked.units::UnitSystem)
    end
    worth = penalised(loss, distance, asked.baseline, asked.strength)
    k = w.n_constants + 1
    complexity < asked.limits.min_complexity && return worth
    # A formula with wrong units is worse than its residuals say, in the archive too; where they are forbidden it has no place.
    if (distance == 0.0 || asked.mode === :penalise) && worth < archive.loss[complexity, k]
        archive.loss[complexity, k] = worth
        archive.program[complexity, k] = Program(w)
    end
    return worth
end
