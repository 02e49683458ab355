# The search: epochs of all islands side by side, migration between them, and a watch on budget and keyboard.

"""
When a search ends. A loss of at most `floor` counts as none, for formulas of less than `interpolation` complexity;
`patience` is for how many evaluations the front may stay as it is.
"""
Base.@kwdef struct Budget
    evaluations::Int = typemax(Int)
    seconds::Float64 = Inf
    patience::Int = typemax(Int)
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
    improved::Int  # evaluations when the front was last seen to improve
    const best::Vector{Float64}  # loss of the best formula of at most each complexity, then
    stopped::Symbol  # :no while it runs
    task::Union{Nothing,Task}
end

const FIRST_EPOCH = 250  # evaluations of each island; it doubles until an epoch is some tens of milliseconds

"""
    begin_search(asked, strategy, budget; seed, threads, n_islands, starts, customs, state=nothing) -> Search

Islands with the start formulas on them, or as they were in `state`, begin to evolve on `threads` threads.
"""
function begin_search(asked::Asked, strategy::Strategy, budget::Budget; seed::Integer, threads::Integer=Threads.nthreads(),
                      n_islands::Integer=16, starts::Vector{Program}=Program[], customs::Vector{Custom}=Custom[],
                      state=nothing)
    streams = [Xoshiro(hash((Int(seed), k))) for k in 0:n_islands]
    islands = [Island(Judge(asked), stream) for stream in streams[2:end]]
    search = Search(asked, strategy, customs, islands, Archive(asked.limits), streams[1], starts, Int(threads), budget,
                    Threads.Atomic{Bool}(false), ReentrantLock(), 0, 0, time(), 0.0, 0, fill(Inf, asked.limits.max_complexity),
                    :no, nothing)
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
            epoch!(search.islands[k], search.strategy, search.customs, quota, search.stop)
        end
    end
end

"The start formulas, fitted, on every island."
function plant!(search::Search)
    judge = search.islands[1].judge
    spent = judge.evaluations
    for (k, program) in enumerate(search.starts)
        search.stop[] && k > 1 && break
        start = member(judge, as_tree(program, search.asked.language))
        fit_member!(judge, start, 20)
        isfinite(start.loss) || continue
        foreach(island -> welcome!(island, copy(start), search.strategy), search.islands)
    end
    judge.evaluations = spent  # the start is not part of the budget
    lock(() -> gather!(search.archive, judge.archive), search.turn)
end

"What was found is gathered, sizes are counted, good formulas migrate, and the budget's loss is looked at."
function end_epoch!(search::Search)
    search.epoch += 1
    lock(search.turn) do
        foreach(island -> gather!(search.archive, island.judge.archive), search.islands)
    end
    good_enough(search) && stop!(search, :target)
    note_improvement!(search)
    evaluations(search) - search.improved >= search.budget.patience && stop!(search, :patience)
    search.stop[] && return
    counts = zeros(search.asked.limits.max_complexity)
    for island in search.islands, m in island.members
        m.complexity > 0 && (counts[m.complexity] += 1)
    end
    best = best_members(search)
    for island in search.islands
        island.frequencies .+= counts
        forget!(island.frequencies)
        isempty(best) || migrate!(search, island, best)
    end
end

const WORTHWHILE = 1e-4  # relative decrease of the loss of some size that counts as better

function note_improvement!(search::Search)
    bound, better = Inf, false
    for complexity in eachindex(search.best)
        bound = min(bound, minimum(view(search.archive.loss, complexity, :)))
        better |= bound < search.best[complexity] * (1 - WORTHWHILE)
    end
    better || return nothing
    search.improved, bound = evaluations(search), Inf
    for complexity in eachindex(search.best)
        bound = min(bound, minimum(view(search.archive.loss, complexity, :)))
        search.best[complexity] = bound
    end
end

const MEMORY = 100_000.0  # formulas whose sizes are remembered

"Older sizes fade, so that the sum stays bounded; none is ever as if it had not been seen."
function forget!(frequencies)
    excess = sum(frequencies) / MEMORY
    excess > 1 && (frequencies .= max.(frequencies ./ excess, 1.0))
end

const MIGRANTS = 0.06  # of the members of an island that give way to the best of all in an epoch

function migrate!(search::Search, island::Island, best)
    for place in eachindex(island.members)
        rand(search.random) < MIGRANTS || continue
        migrant = copy(rand(search.random, best))
        migrant.birth = (island.births += 1)
        island.members[place] = migrant
    end
end

"The formulas of the archive that no simpler one beats, as members."
function best_members(search::Search)
    found, bound = Member[], Inf
    for complexity in axes(search.archive.loss, 1)
        loss, k = findmin(view(search.archive.loss, complexity, :))
        loss < bound || continue
        bound = loss
        push!(found, Member(as_tree(search.archive.program[complexity, k], search.asked.language), loss, complexity, 0))
    end
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
