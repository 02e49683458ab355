# Islands: populations that evolve by themselves, each with a random stream of its own, on whichever thread is free.

"How islands evolve. Sizes and chances were chosen by trial on eight formulas; tournament_p and crossover are SymbolicRegression's."
Base.@kwdef struct Strategy
    population::Int = 60
    tournament::Int = 5
    tournament_p::Float64 = 0.982  # chance of each rank's winning, from the best on
    crossover::Float64 = 0.0259
    custom::Float64 = 0.2  # chance that a custom operator is put in, where there are any
    fit::Float64 = 1.0  # chance that the constants of a new formula are fitted
    fit_steps::Int = 4
    final_fit::Float64 = 0.14  # of the members at the end of an epoch
    parsimony_scaling::Float64 = 20.0
end

mutable struct Island{J<:Judge,M<:PopMember}
    const judge::J
    const members::Vector{M}
    const statistics::RunningSearchStatistics
    const record::RecordType
    const random::Xoshiro
    births::Int
end

"A formula with several arguments that may be put into a tree as one piece."
struct Custom
    program::Program
    arity::Int
end

"""
    epoch!(island, options, strategy, customs, quota, stop)

Evolve until `quota` evaluations were spent or `stop[]` is set.

Only the random stream of the island is used, so that an epoch gives the same on every thread.
"""
function epoch!(island::Island, options, strategy::Strategy, customs::Vector{Custom}, quota::Int, stop)
    stream = Random.default_rng()
    copy!(stream, island.random)
    judge = island.judge
    first = judge.evaluations
    normalize_frequencies!(island.statistics)
    steps = 0
    while judge.evaluations - first < quota && !stop[]
        temperature = max(1.0 - (judge.evaluations - first) / quota, 0.0)
        if length(island.members) < strategy.population
            settle!(island, options, strategy, customs)
        else
            generation!(island, options, strategy, customs, temperature)
        end
        steps += 1
        steps % 64 == 0 && yield()  # to the task that watches the clock and the keyboard
    end
    stop[] || fit_some!(island, options, strategy)
    copy!(island.random, stream)
    return nothing
end

"A random formula becomes a member."
function settle!(island::Island, options, strategy::Strategy, customs)
    judge = island.judge
    size = rand(0:3)
    node = size == 0 ? random_leaf(judge) : gen_random_tree(size, options, n_leaves(judge.asked.language), Float64)
    judge.evaluations += 1  # also where it is outside the limits: an epoch must end
    member = PopMember(judge, node, options; deterministic=true)
    if !isempty(customs) && rand() < strategy.custom
        member = something(insert_custom(island, member, rand(customs), options), member)
    end
    join!(island, member)
end

function join!(island::Island, member)
    member.birth = (island.births += 1)
    push!(island.members, member)
end

"One step: a mutation or a crossover of good members takes the place of the oldest."
function generation!(island::Island, options, strategy::Strategy, customs, temperature)
    judge, limit = island.judge, island.judge.asked.limits.max_complexity
    parent = tournament(island, options, strategy)
    if rand() < strategy.crossover
        other = tournament(island, options, strategy)
        one, two, accepted, _ = crossover_generation(parent, other, judge, limit, options; recorder=island.record)
        accepted || (judge.evaluations += 1)
        accepted && foreach(child -> replace_oldest!(island, child, options, strategy), (one, two))
    elseif !isempty(customs) && rand() < strategy.custom
        baby = insert_custom(island, parent, rand(customs), options)
        baby === nothing || replace_oldest!(island, baby, options, strategy)
    else
        before = judge.evaluations
        baby, accepted, _ = next_generation(judge, parent, temperature, limit, island.statistics, options;
                                            tmp_recorder=island.record)
        judge.evaluations == before && (judge.evaluations += 1)  # nothing evaluated: still work, and an epoch must end
        accepted && replace_oldest!(island, baby, options, strategy)
    end
end

function replace_oldest!(island::Island, baby, options, strategy::Strategy)
    rand() < strategy.fit && fit_member!(island, baby, options, strategy.fit_steps)
    welcome!(island, baby, strategy)
end

"A member more, in place of the oldest where the island is full."
function welcome!(island::Island, member, strategy::Strategy)
    length(island.members) < strategy.population && return join!(island, member)
    oldest = 1
    for i in eachindex(island.members)
        island.members[i].birth < island.members[oldest].birth && (oldest = i)
    end
    member.birth = (island.births += 1)
    island.members[oldest] = member
end

"The best of a random few, where sizes that are common already count less (adaptive parsimony)."
function tournament(island::Island, options, strategy::Strategy)
    members, n = island.members, length(island.members)
    draw = min(strategy.tournament, n)
    chosen = Random.randperm(n)[1:draw]
    frequencies = island.statistics.normalized_frequencies
    fitness = map(chosen) do i
        member = members[i]
        size = compute_complexity(member, options)
        share = 0 < size <= length(frequencies) ? frequencies[size] : 0.0
        member.cost * exp(strategy.parsimony_scaling * share)
    end
    order = sortperm(fitness)
    place = 1
    while place < draw && rand() > strategy.tournament_p
        place += 1
    end
    return copy(members[chosen[order[place]]])
end

function fit_some!(island::Island, options, strategy::Strategy)
    for member in island.members
        rand() < strategy.final_fit && fit_member!(island, member, options, 2 * strategy.fit_steps)
    end
end

function fit_member!(island::Island, member, options, max_steps::Int)
    judge = island.judge
    node = node_of(member)
    lower!(judge.work, node, judge.asked.language) || return
    judge.work.n_constants == 0 && return
    loss = refine!(judge; max_steps)
    if loss < member.loss
        store_constants!(node, judge.work)
        member.loss, member.cost = loss, loss / judge.baseline_loss
    end
end

"A copy of the parent in which a custom operator stands on one of its parts, and on random leaves."
function insert_custom(island::Island, parent, custom::Custom, options)
    judge = island.judge
    expression = copy(parent.tree)
    node = rand(NodeSampler(; tree=get_tree(expression)))
    parts = Any[rand() < 0.5 ? random_leaf(judge) : any_part(parent) for _ in 1:(custom.arity)]
    parts[rand(1:(custom.arity))] = copy(node)
    set_node!(node, tree(custom.program, judge.asked.language, parts))
    judge.evaluations += 1
    check_constraints(expression, options, judge.asked.limits.max_complexity) || return nothing
    return PopMember(judge, expression, options; deterministic=true)
end

function random_leaf(judge::Judge)
    return rand(Bool) ? constant_node(randn()) : feature_node(rand(1:n_leaves(judge.asked.language)))
end

any_part(member) = copy(rand(NodeSampler(; tree=get_tree(member.tree))))
