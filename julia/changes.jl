# How formulas are changed at random: SymbolicRegression's mutations and crossover of trees, at its rates.

const EXAMPLE_UNARY, EXAMPLE_BINARY = opcode("exp"), opcode("add")

# Ours, for versions of SymbolicRegression in which theirs are called otherwise. Each takes (tree, language).

random_leaf(l::Language) = rand(Bool) ? constant_node(randn()) : feature_node(rand(1:n_leaves(l)))

"An operator on `first`, in any place, and on random leaves."
function operator_on(first, l::Language)
    n, m = length(l.unary), length(l.binary)
    k = rand(1:(n + m))
    k <= n && return operator_node(k, first)
    return rand(Bool) ? operator_node(k - n, first, random_leaf(l)) : operator_node(k - n, random_leaf(l), first)
end

any_node(tree) = rand(NodeSampler(; tree))
any_leaf(tree) = rand(NodeSampler(; tree, filter=t -> t.degree == 0))
any_operator(tree) = rand(NodeSampler(; tree, filter=t -> t.degree > 0))

replaced(tree, node, by) = (set_node!(node, by); tree)

our_append((tree, l)) = replaced(tree, any_leaf(tree), operator_on(random_leaf(l), l))
our_prepend((tree, l)) = operator_on(tree, l)
our_insert((tree, l)) = (node = any_node(tree); replaced(tree, node, operator_on(copy(node), l)))
our_delete((tree, l)) =
    tree.degree == 0 ? tree : (node = any_operator(tree); replaced(tree, node, copy(child(node, rand(1:Int(node.degree))))))
our_operator((tree, l)) =
    (node = any_operator(tree); node.op = rand(eachindex(node.degree == 1 ? l.unary : l.binary)); tree)

function our_feature((tree, l))
    for node in (t for t in tree if t.degree == 0 && !t.constant && rand(Bool))
        node.feature = rand(1:n_leaves(l))
        break
    end
    return tree
end

function our_swap((tree, l))
    node = rand(NodeSampler(; tree, filter=t -> t.degree == 2))
    return replaced(tree, node, operator_node(node.op, copy(node.r), copy(node.l)))
end

"An operator's operand takes its place, and the operator that of one of the operand's operands."
function our_rotate((tree, l))
    pivots = [t for t in tree if t.degree > 0 && any(child(t, i).degree > 0 for i in 1:Int(t.degree))]
    isempty(pivots) && return tree
    root = rand(pivots)
    i = rand([i for i in 1:Int(root.degree) if child(root, i).degree > 0])
    operand = copy(child(root, i))
    j = rand(1:Int(operand.degree))
    below = copy(child(operand, j))
    parts(node, k, new) = ntuple(m -> m == k ? new : copy(child(node, m)), Int(node.degree))
    lowered = operator_node(root.op, parts(root, i, below)...)
    return replaced(tree, root, operator_node(operand.op, parts(operand, j, lowered)...))
end

function our_crossover((one, other))
    first, second = any_node(one), any_node(other)
    part = copy(first)
    set_node!(first, copy(second))
    set_node!(second, part)
    return one, other
end

const append_operator = theirs(:append_random_op, (f, (t, l)) -> f(t, l.options, n_leaves(l)), our_append)
const prepend_operator = theirs(:prepend_random_op, (f, (t, l)) -> f(t, l.options, n_leaves(l)), our_prepend)
const insert_operator = theirs(:insert_random_op, (f, (t, l)) -> f(t, l.options, n_leaves(l)), our_insert)
const delete_operator = theirs(:delete_random_op!, (f, (t, l)) -> f(t), our_delete)
const other_operator = theirs(:mutate_operator, (f, (t, l)) -> f(t, l.options), our_operator)
const other_feature = theirs(:mutate_feature, (f, (t, l)) -> f(t, n_leaves(l)), our_feature)
const swap_operands = theirs(:swap_operands, (f, (t, l)) -> f(t), our_swap)
const rotate = theirs(:randomly_rotate_tree!, (f, (t, l)) -> f(t), our_rotate)
const crossover = theirs(:crossover_trees, (f, (t, other)) -> f(t, other isa Language ? copy(t) : other), our_crossover)

# SymbolicRegression's rates.
const CHANGES = (; constant=0.0346, operator=0.293, feature=0.1, swap=0.198, rotate=4.26, add=2.47, insert=0.0112,
                 delete=0.870, simplify=0.00209, randomize=0.000502)
const PERTURBATION, NEGATED = 0.129, 0.00743  # of constants, as there

"""
    change(node, language, complexity, limit, temperature) -> (node, kind)

A changed copy of a tree; `kind` is a key of `CHANGES`.
"""
function change(node::Tree, l::Language, complexity::Int, limit::Int, temperature::Float64)
    kind = choose(node, l, complexity >= limit)
    tree = copy(node)
    changed = if kind === :constant
        perturb_constant!(tree, temperature)
    elseif kind === :operator
        other_operator((tree, l))
    elseif kind === :feature
        other_feature((tree, l))
    elseif kind === :swap
        swap_operands((tree, l))
    elseif kind === :rotate
        rotate((tree, l))
    elseif kind === :add
        rand(Bool) ? append_operator((tree, l)) : prepend_operator((tree, l))
    elseif kind === :insert
        insert_operator((tree, l))
    elseif kind === :delete
        delete_operator((tree, l))
    elseif kind === :simplify
        combine_operators(simplify_tree!(tree, l.options.operators), l.options.operators)
    else
        random_tree(rand(1:max(limit ÷ 3, 1)), l)
    end
    return changed::Tree, kind
end

"A kind of change by its rate, of those that can be made to this tree."
function choose(node::Tree, l::Language, full::Bool)::Symbol
    constants = count(t -> t.degree == 0 && t.constant, node)
    features = count(t -> t.degree == 0 && !t.constant, node)
    leaf, binary = node.degree == 0, any(t -> t.degree == 2, node)
    rates = (
        CHANGES.constant * min(8, constants) / 8, leaf ? 0.0 : CHANGES.operator,
        features > 0 && n_leaves(l) > 1 ? CHANGES.feature : 0.0, binary ? CHANGES.swap : 0.0, leaf ? 0.0 : CHANGES.rotate,
        full ? 0.0 : CHANGES.add, full ? 0.0 : CHANGES.insert, leaf ? 0.0 : CHANGES.delete, leaf ? 0.0 : CHANGES.simplify,
        CHANGES.randomize,
    )
    left = rand() * sum(rates)
    for (kind, rate) in zip(keys(CHANGES), rates)
        left -= rate
        left <= 0 && rate > 0 && return kind
    end
    return :randomize
end

function perturb_constant!(tree::Tree, temperature::Float64)
    node = rand(NodeSampler(; tree, filter=t -> t.degree == 0 && t.constant))
    factor = (PERTURBATION * temperature + 1.1)^rand()
    node.val *= (rand(Bool) ? factor : 1 / factor) * (rand() < NEGATED ? -1 : 1)
    return tree
end

"A random formula of about that many operators."
function random_tree(size::Int, l::Language)
    size == 0 && return random_leaf(l)
    return gen_random_tree(size, l.options, n_leaves(l), Float64)::Tree
end
