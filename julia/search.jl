# The search: epochs of all islands side by side, migration between them, and a watch on budget and keyboard.

"When a search ends. A loss of at most `floor` counts as none, for formulas of less than `interpolation` complexity."
Base.@kwdef struct Budget
    evaluations::Int = typemax(Int)
    seconds::Float64 = Inf
    target_loss::Float64 = -1.0
    floor::Float64 = 0.0
    interpolation::Int = typemax(Int)
end

"""
    Search

A search under way. `begin_search` starts it, `advance!` lets it run for a while, `finish!` ends it.
"""
mutable struct Search{A<:Asked,I<:Island}
    const asked::A
    const options::Any
    const strategy::Strategy
    const customs::Vector{Custom}
    const islands::Vector{I}
    const archive::Archive
    const random::Xoshiro
    const starts::Vector{Program}
    const threads::Int
    const budget::Budget
    const stop::Threads.Atomic{Bool}
    const turn::ReentrantLock  # held while the archive changes
    epoch::Int
    before::Int  # evaluations of an earlier search that this one goes on from
    begun::Float64
    seconds::Float64
    stopped::Symbol  # :no while it runs
    task::Union{Nothing,Task}
end

const FIRST_EPOCH = 250  # evaluations of each island; it doubles until an epoch is some tens of milliseconds

"""
    begin_search(asked, operators, strategy, budget; seed, threads, n_islands, starts, customs, state=nothing) -> Search

Islands with the start formulas on them, or as they were in `state`, begin to evolve on `threads` threads.
"""
function begin_search(asked::Asked, strategy::Strategy, budget::Budget; seed::Integer, threads::Integer=Threads.nthreads(),
                      n_islands::Integer=16, starts::Vector{Program}=Program[], customs::Vector{Custom}=Custom[],
                      state=nothing)
    language, limits = asked.language, asked.limits
    unary = Tuple(Operation.(language.unary))
    binary = Tuple(Operation.(language.binary))
    costs = Dict(operation => limits.cost[operation.code + 1] for operation in (unary..., binary...))
    n_literals = length(language.literals)
    options = sr_options(unary, binary; population=strategy.population, max_complexity=limits.max_complexity,
                         max_depth=limits.max_depth, tournament=strategy.tournament, cost_of_operators=costs,
                         cost_of_constants=limits.cost[CONSTANT + 1],
                         cost_of_variables=[fill(limits.cost[VARIABLE + 1], language.n_features);
                                            fill(limits.cost[LITERAL + 1], n_literals)],
                         parsimony_scaling=strategy.parsimony_scaling)
    example = PopMember(Judge(asked), constant_node(1.0), options; deterministic=true)
    streams = [Xoshiro(hash((seed, k))) for k in 0:n_islands]
    islands = map(streams[2:end]) do stream
        Island(Judge(asked), typeof(example)[], RunningSearchStatistics(; options), RecordType(), stream, 0)
    end
    search = Search(asked, options, strategy, customs, islands, Archive(limits), streams[1], starts, Int(threads), budget,
                    Threads.Atomic{Bool}(false), ReentrantLock(), 0, 0, time(), 0.0, :no, nothing)
    state === nothing || restore!(search, state)
    search.before = sum(island -> island.judge.evaluations, islands)
    search.task = Threads.@spawn run!(search)
    return search
end

evaluations(search::Search) = sum(island -> island.judge.evaluations, search.islands) - search.before

"""
    advance!(search, seconds) -> Bool

Let the search run for that long, or until it ends; whether it still runs. Throws what went wrong in it.
"""
function advance!(search::Search, seconds::Real)
    search.budget.seconds < Inf && (seconds = clamp(search.begun + search.budget.seconds - time(), 0.001, seconds))
    timedwait(() -> istaskdone(search.task), Float64(seconds); pollint=0.01)
    time() - search.begun >= search.budget.seconds && stop!(search, :seconds)
    istaskdone(search.task) || return true
    try
        fetch(search.task)
    catch error
        throw(root_of(error))
    end
    return false
end

"Ask the search to end; the first reason is the one that stands."
function stop!(search::Search, why::Symbol)
    search.stopped === :no && (search.stopped = why)
    search.stop[] = true
    return nothing
end

root_of(error) = error
root_of(error::TaskFailedException) = root_of(error.task.result)
root_of(error::CompositeException) = root_of(first(error.exceptions))

"All epochs, until the budget is spent."
function run!(search::Search)
    plant!(search)
    while !search.stop[]
        quota = min(FIRST_EPOCH << min(search.epoch, 12), longest_epoch(search))
        left = search.budget.evaluations - evaluations(search)
        if left <= 0
            stop!(search, :evaluations)
            break
        end
        side_by_side(search, min(quota, cld(left, length(search.islands))))
        end_epoch!(search)
    end
    search.seconds = time() - search.begun
    return nothing
end

"Evaluations of an epoch of each island. It must not depend on the clock, or a seed would not give one result."
longest_epoch(search::Search) = clamp(10_000_000 ÷ (n_rows(search.asked.table) + 500), 500, 10_000)

"Every island's epoch, on as many threads as there are to be. Which thread takes which island does not matter."
function side_by_side(search::Search, quota::Int)
    next = Threads.Atomic{Int}(1)
    @sync for _ in 1:min(search.threads, length(search.islands))
        Threads.@spawn while !search.stop[]
            k = Threads.atomic_add!(next, 1)
            k <= length(search.islands) || break
            epoch!(search.islands[k], search.options, search.strategy, search.customs, quota, search.stop)
        end
    end
end

"The start formulas, fitted, on every island."
function plant!(search::Search)
    first = search.islands[1]
    spent = first.judge.evaluations
    for (k, program) in enumerate(search.starts)
        search.stop[] && k > 1 && break
        member = PopMember(first.judge, tree(program, search.asked.language), search.options; deterministic=true)
        fit_member!(first, member, search.options, 20)
        isfinite(member.loss) || continue
        for island in search.islands
            welcome!(island, copy(member), search.strategy)
        end
    end
    first.judge.evaluations = spent  # the start is not part of the budget
    lock(() -> gather!(search.archive, first.judge.archive), search.turn)
end

"What was found is gathered, sizes are counted, good formulas migrate, and the budget's loss is looked at."
function end_epoch!(search::Search)
    search.epoch += 1
    lock(search.turn) do
        foreach(island -> gather!(search.archive, island.judge.archive), search.islands)
    end
    good_enough(search) && stop!(search, :target)
    search.stop[] && return
    sizes = [compute_complexity(member, search.options) for island in search.islands for member in island.members]
    best = best_members(search)
    for island in search.islands
        foreach(size -> update_frequencies!(island.statistics; size), sizes)
        move_window!(island.statistics)
        isempty(best) || migrate!(search, island, best)
    end
end

const MIGRANTS = 0.06  # of the members of an island that give way to the best of all in an epoch

function migrate!(search::Search, island::Island, best)
    for place in eachindex(island.members)
        rand(search.random) < MIGRANTS || continue
        member = copy(rand(search.random, best))
        member.birth = (island.births += 1)
        island.members[place] = member
    end
end

"The formulas of the archive that no simpler one beats, as members."
function best_members(search::Search)
    judge = search.islands[1].judge
    found = typeof(search.islands[1].members)()
    spent = judge.evaluations, judge.node_evaluations
    bound = Inf
    for complexity in axes(search.archive.loss, 1)
        loss, k = findmin(view(search.archive.loss, complexity, :))
        loss < bound || continue
        bound = loss
        node = tree(search.archive.program[complexity, k], search.asked.language)
        push!(found, PopMember(judge, node, search.options; deterministic=true))
    end
    judge.evaluations, judge.node_evaluations = spent  # known formulas, not part of the budget
    return found
end

function good_enough(search::Search)
    budget = search.budget
    for complexity in axes(search.archive.loss, 1)
        loss = minimum(view(search.archive.loss, complexity, :))
        loss <= budget.target_loss && return true
        loss <= budget.floor && complexity < budget.interpolation && return true
    end
    return false
end
