# Islands: populations that evolve by themselves, each with a random stream of its own, on whichever thread is free.

"How islands evolve. Sizes and chances were chosen by trial on eight formulas; tournament_p is SymbolicRegression's."
Base.@kwdef struct Strategy
    population::Int = 60
    tournament::Int = 5
    tournament_p::Float64 = 0.982  # chance of each rank's winning, from the best on
    crossover::Float64 = 0.1
    custom::Float64 = 0.2  # chance that a custom operator is put in, where there are any
    fit::Float64 = 1.0  # chance that the constants of a new formula are fitted
    fit_steps::Int = 4
    final_fit::Float64 = 0.14  # of the members at the end of an epoch
    parsimony_scaling::Float64 = 20.0
end

const ALPHA = 3.17  # of the annealing, SymbolicRegression's

mutable struct Island{J<:Judge}
    const judge::J
    const members::Vector{Member}
    const frequencies::Vector{Float64}  # of the sizes that formulas have had, by complexity
    const random::Xoshiro
    births::Int
end

Island(judge::Judge, random::Xoshiro) = Island(judge, Member[], ones(judge.asked.limits.max_complexity), random, 0)

"A formula with several arguments that may be put into a tree as one piece."
struct Custom
    program::Program
    arity::Int
end

"""
    epoch!(island, strategy, customs, quota, stop)

Evolve until `quota` evaluations were spent or `stop[]` is set.

Only the random stream of the island is used, so that an epoch gives the same on every thread.
"""
function epoch!(island::Island, strategy::Strategy, customs::Vector{Custom}, quota::Int, stop)
    stream = Random.default_rng()
    copy!(stream, island.random)
    judge = island.judge
    first = judge.evaluations
    shares = island.frequencies ./ sum(island.frequencies)
    steps = 0
    while judge.evaluations - first < quota && !stop[]
        before = judge.evaluations
        if length(island.members) < strategy.population
            settle!(island, strategy, customs)
        else
            temperature = max(1.0 - (before - first) / quota, 0.0)
            generation!(island, strategy, customs, shares, temperature)
        end
        judge.evaluations == before && (judge.evaluations += 1)  # nothing evaluated is work too, and an epoch must end
        steps += 1
        steps % 64 == 0 && yield()  # to the task that watches the clock and the keyboard
    end
    stop[] || fit_some!(island, strategy)
    copy!(island.random, stream)
    return nothing
end

"A random formula becomes a member."
function settle!(island::Island, strategy::Strategy, customs)
    tree = random_tree(rand(0:3), island.judge.asked.language)
    if !isempty(customs) && rand() < strategy.custom
        tree = with_custom(tree, rand(customs), island.judge.asked.language)
    end
    join!(island, member(island.judge, tree))
end

function join!(island::Island, newcomer::Member)
    newcomer.birth = (island.births += 1)
    push!(island.members, newcomer)
end

"One step: a mutation or a crossover of good members takes the place of the oldest."
function generation!(island::Island, strategy::Strategy, customs, shares, temperature)
    parent = tournament(island, strategy, shares)
    if rand() < strategy.crossover
        other = tournament(island, strategy, shares)
        for tree in crossover((copy(parent.tree), copy(other.tree)))
            child = member(island.judge, tree)
            child.complexity > 0 && replace_oldest!(island, child, strategy)
        end
    else
        child = changed(island, parent, strategy, customs, temperature)
        child !== nothing && accepted(child, parent, island, shares, temperature) && replace_oldest!(island, child, strategy)
    end
end

const ATTEMPTS = 10  # to stay within the limits

function changed(island::Island, parent::Member, strategy::Strategy, customs, temperature)
    judge, language = island.judge, island.judge.asked.language
    for _ in 1:ATTEMPTS
        if !isempty(customs) && rand() < strategy.custom
            tree = with_custom(copy(parent.tree), rand(customs), language)
        else
            tree, _ = change(parent.tree, language, parent.complexity, judge.asked.limits.max_complexity, temperature)
        end
        if lower!(judge.work, tree, language)
            complexity = size_within(judge)
            complexity > 0 && return Member(tree, assess!(judge, complexity), complexity, 0)
        end
    end
    return nothing
end

"Whether a change stays: by annealing, and the rarer its size is the more likely (adaptive parsimony)."
function accepted(child::Member, parent::Member, island::Island, shares, temperature)
    worse = (child.loss - parent.loss) / island.judge.asked.baseline
    chance = isnan(worse) ? 1.0 : exp(-worse / (temperature * ALPHA))
    return rand() <= chance * shares[max(parent.complexity, 1)] / shares[child.complexity]
end

function replace_oldest!(island::Island, child::Member, strategy::Strategy)
    rand() < strategy.fit && fit_member!(island.judge, child, strategy.fit_steps)
    welcome!(island, child, strategy)
end

"A member more, in place of the oldest where the island is full."
function welcome!(island::Island, newcomer::Member, strategy::Strategy)
    length(island.members) < strategy.population && return join!(island, newcomer)
    oldest = 1
    for i in eachindex(island.members)
        island.members[i].birth < island.members[oldest].birth && (oldest = i)
    end
    newcomer.birth = (island.births += 1)
    island.members[oldest] = newcomer
end

"The best of a random few, where sizes that are common already count less (adaptive parsimony)."
function tournament(island::Island, strategy::Strategy, shares)
    members = island.members
    draw = min(strategy.tournament, length(members))
    chosen = Random.randperm(length(members))[1:draw]
    fitness(i) = members[i].loss * exp(strategy.parsimony_scaling * shares[max(members[i].complexity, 1)])
    order = sort!(chosen; by=fitness)
    place = 1
    while place < draw && rand() > strategy.tournament_p
        place += 1
    end
    return members[order[place]]
end

function fit_some!(island::Island, strategy::Strategy)
    for m in island.members
        rand() < strategy.final_fit && fit_member!(island.judge, m, 2 * strategy.fit_steps)
    end
end

function fit_member!(judge::Judge, m::Member, max_steps::Int)
    m.complexity > 0 && lower!(judge.work, m.tree, judge.asked.language) || return
    judge.work.n_constants == 0 && return
    loss = refine!(judge, m.complexity; max_steps)
    if loss < m.loss
        store_constants!(m.tree, judge.work)
        m.loss = loss
    end
end

"The tree with a custom operator on one of its parts, the operator's other operands random leaves or parts of the tree."
function with_custom(tree::Tree, custom::Custom, language::Language)
    node = any_node(tree)
    parts = Tree[rand(Bool) ? random_leaf(language) : copy(any_node(tree)) for _ in 1:(custom.arity)]
    parts[rand(1:(custom.arity))] = copy(node)
    return replaced(tree, node, as_tree(custom.program, language, parts))
end
