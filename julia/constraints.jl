# Constraints on the shape of a formula: how large an operator's arguments, and what may stand inside which operator.

"""
    Constraints(arguments, nested)

- `arguments`: the largest complexity of the first and second argument, a column per opcode + 1; -1 for no limit.
- `nested`: a column of outer opcode, inner opcode, and how often the inner one may occur on any way down from the outer.

Empty matrices stand for no constraints.
"""
struct Constraints
    arguments::Matrix{Int}
    nested::Matrix{Int}
end

Constraints() = Constraints(zeros(Int, 2, 0), zeros(Int, 3, 0))

"Whether the linked program keeps to the constraints; `cost(i)` is the complexity of node `i`."
function obeys(c::Constraints, w::Workspace, cost)
    isempty(c.arguments) || arguments_fit(c.arguments, w, cost) || return false
    return all(k -> nesting_fits(w, c.nested[1, k], c.nested[2, k], c.nested[3, k]), axes(c.nested, 2))
end

function arguments_fit(most::Matrix{Int}, w::Workspace, cost)
    size = zeros(Int, w.length)  # of the part that ends at each node
    @inbounds for i in 1:(w.length)
        size[i] = cost(i)
        for (k, operand) in enumerate((w.left[i], w.right[i]))
            operand == 0 && continue
            size[i] += size[operand]
            limit = most[k, w.ops[i] + 1]
            limit >= 0 && size[operand] > limit && return false
        end
    end
    return true
end

function nesting_fits(w::Workspace, outer::Int, inner::Int, most::Int)
    count = zeros(Int, w.length)  # of the inner operator on the way down from each node, itself included
    @inbounds for i in 1:(w.length)
        below = max(w.left[i] == 0 ? 0 : count[w.left[i]], w.right[i] == 0 ? 0 : count[w.right[i]])
        w.ops[i] == outer && below > most && return false
        count[i] = below + (w.ops[i] == inner)
    end
    return true
end
