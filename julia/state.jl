# A search as plain arrays, from which it goes on as if it had never been interrupted.

"Many programs in four arrays: their nodes one after the other, and how many nodes each has."
struct Packed
    ops::Vector{Int16}
    args::Vector{Int16}
    values::Vector{Float64}
    lengths::Vector{Int64}
end

function pack(programs)
    joined(field, T) = reduce(vcat, (getfield(p, field) for p in programs); init=T[])
    return Packed(joined(:ops, Int16), joined(:args, Int16), joined(:values, Float64), Int64[length(p) for p in programs])
end

function unpack(ops, args, values, lengths)
    sum(lengths; init=0) == length(ops) == length(args) == length(values) ||
        throw(ArgumentError("the lengths of the programs do not fit their nodes"))
    ends = cumsum(lengths)
    parts = [(e - n + 1):e for (e, n) in zip(ends, lengths)]
    return [Program(Vector{Int16}(ops[r]), Vector{Int16}(args[r]), Vector{Float64}(values[r])) for r in parts]
end

random_words(stream::Xoshiro) = UInt64[getfield(stream, name) for name in fieldnames(Xoshiro)]

"The four arrays by name, and more that belong to them."
function arrays_of(packed::Packed, prefix::String, more...)
    arrays = Dict{String,Vector}(prefix * String(part) => getfield(packed, part) for part in fieldnames(Packed))
    return merge!(arrays, Dict{String,Vector}(prefix * name => values for (name, values) in more))
end

"""
    saved(search) -> Dict{String,Vector}

Members, births, random streams, sizes seen and archive of a search that has ended.
"""
function saved(search::Search)
    language, islands = search.asked.language, search.islands
    work = Workspace(search.asked.limits.max_complexity + 2)
    function program(m)
        # Formulas that are outside the limits are no loss: a leaf stands for them.
        lower!(work, m.tree, language) || lower!(work, constant_node(0.0), language)
        return Program(work)
    end
    members = pack([program(m) for island in islands for m in island.members])
    kept = findall(isfinite, search.archive.loss)
    return merge!(
        arrays_of(members, "member_", "born" => Int64[m.birth for island in islands for m in island.members]),
        arrays_of(pack(search.archive.program[kept]), "archive_", "loss" => search.archive.loss[kept],
                  "place" => Int64[LinearIndices(search.archive.loss)[i] for i in kept]),
        Dict{String,Vector}(
            "members_of_island" => Int64[length(island.members) for island in islands],
            "births" => Int64[island.births for island in islands],
            "random" => reduce(vcat, [random_words(stream) for stream in [[i.random for i in islands]; search.random]]),
            "sizes" => reduce(vcat, [island.frequencies for island in islands]),
            "literals" => copy(language.literals), "epoch" => Int64[search.epoch]),
    )
end

"Put the islands into the state that `saved` gave. Throws an `ArgumentError` where it does not fit the search."
function restore!(search::Search, state)
    islands = search.islands
    counts, words = state["members_of_island"], length(fieldnames(Xoshiro))
    length(counts) == length(islands) && length(state["random"]) == words * (length(islands) + 1) ||
        throw(ArgumentError("the saved state has another number of islands or is of another version of Julia"))
    streams, sizes = reshape(state["random"], words, :), reshape(state["sizes"], :, length(islands))
    members = programs(state, "member_")
    next = 0
    for (k, island) in enumerate(islands)
        for _ in 1:counts[k]
            next += 1
            resident = member(island.judge, as_tree(members[next], search.asked.language))
            resident.birth = state["member_born"][next]
            push!(island.members, resident)
        end
        island.births = state["births"][k]
        copy!(island.random, Xoshiro(streams[:, k]...))
        island.frequencies .= sizes[:, k]
    end
    copy!(search.random, Xoshiro(streams[:, end]...))
    for (program, loss, place) in zip(programs(state, "archive_"), state["archive_loss"], state["archive_place"])
        search.archive.program[place], search.archive.loss[place] = program, loss
    end
    search.epoch = only(state["epoch"])
    return search
end
