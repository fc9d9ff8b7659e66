"""`lift`: runs an unchanged function on perturbed parameters without forming a perturbed matrix.

The function is traced to a jaxpr, which is then interpreted equation by equation. An equation without low-rank operands
is evaluated as it is. An equation with low-rank operands is evaluated by the rule of its primitive. A primitive without
a rule raises an error.
"""

import contextlib
import contextvars
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.extend.core import Literal

from eggroll_ray.lowrank.facts import Facts
from eggroll_ray.lowrank.parameter import LowRank, Noised, form, is_perturbed
from eggroll_ray.lowrank.reordered import reordered_product
from eggroll_ray.lowrank.rule import UnsupportedPrimitiveError, bind, simplify
from eggroll_ray.lowrank.rules_combine import SUMS
from eggroll_ray.lowrank.rules_complex import COMPLEX
from eggroll_ray.lowrank.rules_flat import FLATTENS, OF_FLAT, Flat, formed_flat
from eggroll_ray.lowrank.rules_move import RULES, scan_slices
from eggroll_ray.lowrank.rules_product import PRODUCTS
from eggroll_ray.lowrank.rules_square import OF_SQUARES, SQUARES, Squares, formed_squares

# Values that are held as factors instead of arrays. A lifted function, a scan and the branches of a `cond` must not
# return them.
_UNFORMED = (LowRank, Squares, Flat)


def lift(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Lets `fn` take perturbed parameters: `lift(fn)(params, x)` equals `fn(densify(params), x)`.

    Under `jax.vmap` over members (see `member_axes`) no array of size members x m x k is computed, unless `fn` itself
    indexes a stacked parameter by a value that differs between members. If an argument has perturbed leaves, its plain
    leaves are assumed to be the same for all members, which is how `member_axes` maps them.

    Args:
        fn: any traceable function of arrays. Leaves of its arguments that are not arrays (functions,
            strings, Python numbers) are passed on unchanged.

    Returns:
        A function of the same arguments, which returns plain arrays. The leaves of each argument may be `LowRank`,
        `Noised` or plain.

    Raises:
        UnsupportedPrimitiveError: a primitive has no low-rank rule; raised by the returned function.
        ValueError: `fn` returns a low-rank parameter; raised by the returned function.
    """

    @functools.wraps(fn)
    def lifted(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=is_perturbed)
        beside, own = _beside_perturbed(args, kwargs), [is_perturbed(leaf) for leaf in leaves]
        leaves = [_plain_if_small(leaf) for leaf in leaves]
        places = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "shape")]

        def on_arrays(*arrays: Any) -> Any:
            full = list(leaves)
            for i, array in zip(places, arrays, strict=True):
                full[i] = array
            new_args, new_kwargs = jax.tree.unflatten(tree, full)
            return fn(*new_args, **new_kwargs)

        values = [leaves[i] for i in places]
        examples = [x.w if isinstance(x, LowRank) else x for x in values]
        closed, out_shape = jax.make_jaxpr(on_arrays, return_shape=True)(*examples)
        trace = Interpreter(Facts(), _unsupported.get())
        trace.facts.share([leaves[i] for i in places if beside[i] and not own[i]])
        trace.facts.mark_weights([leaves[i] for i in places if beside[i]])
        trace.facts.share([const for const in closed.consts if not isinstance(const, Tracer)])
        outs = trace.run(closed.jaxpr, closed.consts, values)
        for out in outs:
            if isinstance(out, _UNFORMED):
                raise ValueError(
                    f"the lifted function returns the low-rank parameter {out.path!r} (shape "
                    f"{out.shape}); it must return activations. Return something else, or form this "
                    f"leaf per member with leaves=LeafRules(densify={out.paths!r})."
                )
        return jax.tree.unflatten(jax.tree.structure(out_shape), outs)

    return lifted


@contextlib.contextmanager
def collecting_unsupported() -> Iterator[list[UnsupportedPrimitiveError]]:
    """Makes lifted functions collect errors about operations without a rule, instead of raising the first one.

    Inside this context such an operation is applied to formed arrays, and its error is added to the list that the
    context yields. Use it for tracing only: it lets one trace find all such operations.
    """
    found: list[UnsupportedPrimitiveError] = []
    token = _unsupported.set(found)
    try:
        yield found
    finally:
        _unsupported.reset(token)


_unsupported: contextvars.ContextVar[list[UnsupportedPrimitiveError] | None]
_unsupported = contextvars.ContextVar("unsupported", default=None)


def _formed(value: Any) -> Any:
    if isinstance(value, Squares):
        return formed_squares(value)
    if isinstance(value, Flat):
        return formed_flat(value)
    return form(value) if isinstance(value, LowRank) else value


def _parameter(value: Any) -> Any:
    """One of the low-rank parameters that a value consists of; a plain value is returned unchanged."""
    if isinstance(value, Squares):
        return value.pairs[0][0]
    return value.low if isinstance(value, Flat) else value


def _plain_if_small(leaf: Any) -> Any:
    """The plain array, if it differs between members in any case or is no larger than a factor; else the leaf."""
    if isinstance(leaf, Noised):
        return leaf.value
    return simplify(leaf) if isinstance(leaf, LowRank) else leaf


def _beside_perturbed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[bool]:
    """For each leaf, whether its argument has perturbed leaves. If so, a plain leaf is shared; see `member_axes`."""
    found = []
    for argument in (*args, *(kwargs[name] for name in sorted(kwargs))):
        perturbed = [is_perturbed(leaf) for leaf in jax.tree.leaves(argument, is_leaf=is_perturbed)]
        found += [any(perturbed)] * len(perturbed)
    return found


class Interpreter:
    """Evaluates a jaxpr, including the jaxprs of calls and control flow inside it."""

    def __init__(self, facts: Facts, unsupported: list[UnsupportedPrimitiveError] | None = None) -> None:
        """Starts with what is known about plain values.

        Args:
            facts: what is known about plain values; extended while the jaxpr is evaluated.
            unsupported: if given, an operation without a rule is applied to formed arrays and its error is added
                here. If None, the error is raised.
        """
        self.facts = facts
        self._unsupported = unsupported

    def run(self, jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """Evaluates a jaxpr for the given constants and arguments, and returns the values of its outputs."""
        values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *args), strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, Literal) else values[atom]

        for eqn in jaxpr.eqns:
            outs = self.apply(eqn, *(read(atom) for atom in eqn.invars))
            values.update(zip(eqn.outvars, outs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def call(self, fn: Callable[..., Any], *values: Any) -> Any:
        """The result of a traceable function of plain or low-rank values, evaluated by the rules; it must have one."""
        closed = jax.make_jaxpr(fn)(*(x.w if isinstance(x, LowRank) else x for x in values))
        (out,) = Interpreter(self.facts).run(closed.jaxpr, closed.consts, values)
        return out

    def apply(self, eqn: Any, *operands: Any) -> list[Any]:
        """Evaluates an equation for these operands, by the rule of its primitive if any of them is low-rank."""
        touched = [x for x in operands if isinstance(x, _UNFORMED)]
        if not touched:
            return self._apply_plain(eqn, operands)
        try:
            outs = self._by_rule(eqn, operands, touched)
        except UnsupportedPrimitiveError as error:
            if self._unsupported is None:
                raise
            self._unsupported.append(error)
            return bind(eqn, *(_formed(x) for x in operands))
        outs = outs if eqn.primitive.multiple_results else [outs]
        if not any(isinstance(x, _UNFORMED) for x in outs):
            self.facts.follow_weights(eqn, [_parameter(x) for x in operands], outs)
            if eqn.primitive.name == "dot_general":
                self.facts.originate(eqn, operands, outs)
        return outs

    def _by_rule(self, eqn: Any, operands: Sequence[Any], touched: Sequence[Any]) -> Any:
        name = eqn.primitive.name
        kinds = {type(x) for x in touched}
        rules = _RULES_OF_SQUARES if Squares in kinds else _RULES_OF_FLAT if Flat in kinds else _RULES
        rule = None if {Squares, Flat} <= kinds else rules.get(name)
        if rule is None:
            raise UnsupportedPrimitiveError(name, min(touched, key=lambda value: math.prod(value.shape)))
        return rule(self, eqn, *operands)

    def _apply_plain(self, eqn: Any, operands: Sequence[Any]) -> list[Any]:
        name = eqn.primitive.name
        if name == "convert_element_type" and self._is_number(operands[0]):
            return [np.asarray(operands[0]).astype(eqn.params["new_dtype"])]
        outs = None
        if any(self.facts.low_rank_of(x) is not None for x in operands):
            outs = _RULES[name](self, eqn, *operands) if name in _LOOKED_INTO else self._apply_known(eqn, operands)
        if outs is None and name == "dot_general":
            found = reordered_product(self, eqn, operands)
            outs = None if found is None else [found.astype(eqn.outvars[0].aval.dtype)]
        if outs is None:
            outs = bind(eqn, *operands)
            self.facts.follow(eqn, operands, outs)
        return outs

    def _apply_known(self, eqn: Any, operands: Sequence[Any]) -> list[Any] | None:
        """Evaluates an equation of plain values, some of which equal low-rank ones; None if no rule helps."""
        name = eqn.primitive.name
        lows = [self.facts.low_rank_of(x) for x in operands]
        both = sum(low is not None for low in lows) > 1
        if name not in _LINEAR or (both and name in PRODUCTS):
            return None
        try:
            found = _RULES[name](self, eqn, *(x if low is None else low for x, low in zip(operands, lows, strict=True)))
        except UnsupportedPrimitiveError:
            return None
        found = found if eqn.primitive.multiple_results else [found]
        if name not in SUMS and not any(isinstance(x, _UNFORMED) for x in found):
            return found
        outs = bind(eqn, *operands)  # XLA removes this from the program if only the low-rank form is used
        self.facts.follow(eqn, operands, outs)
        for out, low in zip(outs, found, strict=True):
            if isinstance(low, LowRank):
                self.facts.also_low_rank(out, low)
        return outs

    def _is_number(self, value: Any) -> bool:
        """Whether it is a constant real scalar, such as the 0 of `jnp.pad`. It must stay a constant when it is cast."""
        return np.ndim(value) == 0 and self.facts.varying(value)[1] and bool(np.isrealobj(value))


# --- calls and control flow ----------------------------------------------------------------------


def _call(trace: Interpreter, eqn: Any, *operands: Any) -> list[Any]:
    """Evaluates the called function inline. Its derivative rules are not needed."""
    names = ("jaxpr", "call_jaxpr", "fun_jaxpr", "call")
    inner = next(eqn.params[name] for name in names if name in eqn.params)
    consts = getattr(inner, "consts", ())
    return trace.run(getattr(inner, "jaxpr", inner), consts, operands)


class _Carry:
    """The carry of a loop. Its low-rank values are kept outside of the loop, so the loop must not change them."""

    def __init__(self, primitive: str, values: Sequence[Any]):
        self._primitive = primitive
        self._values = values
        self.plain = [x for x in values if not isinstance(x, _UNFORMED)]

    def fill(self, plain: Sequence[Any]) -> list[Any]:
        rest = iter(plain)
        return [x if isinstance(x, _UNFORMED) else next(rest) for x in self._values]

    def take_plain(self, new: Sequence[Any]) -> list[Any]:
        plain = []
        for before, after in zip(self._values, new, strict=True):
            low = before if isinstance(before, _UNFORMED) else after
            if isinstance(low, _UNFORMED) and after is not before:
                raise UnsupportedPrimitiveError(
                    self._primitive, low, "its carry changes it, and a loop may only pass it through"
                )
            if not isinstance(before, _UNFORMED):
                plain.append(after)
        return plain


def _scan(trace: Interpreter, eqn: Any, *operands: Any) -> list[Any]:
    p = eqn.params
    first, last = p["num_consts"], p["num_consts"] + p["num_carry"]
    consts, carry, xs = operands[:first], _Carry("scan", operands[first:last]), operands[last:]
    for x in xs:
        if isinstance(x, Squares | Flat):
            raise UnsupportedPrimitiveError("scan", x, "it is held in parts, as a product or a vector")
    slicers = {i: scan_slices(x) for i, x in enumerate(xs) if isinstance(x, LowRank)}
    scanned = [slicers[i][0] if i in slicers else x for i, x in enumerate(xs)]

    def body(state: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        now = [slicers[i][1](x) if i in slicers else x for i, x in enumerate(slices)]
        for whole, part in zip(xs, now, strict=True):
            trace.facts.inherit(part, whole)
        closed = p["jaxpr"]
        outs = trace.run(closed.jaxpr, closed.consts, [*consts, *carry.fill(state), *now])
        for y in outs[p["num_carry"] :]:
            if isinstance(y, _UNFORMED):
                raise UnsupportedPrimitiveError("scan", y, "it is stacked as an output")
        return carry.take_plain(outs[: p["num_carry"]]), outs[p["num_carry"] :]

    state, ys = lax.scan(body, carry.plain, scanned, p["length"], reverse=p["reverse"], unroll=p["unroll"])
    return [*carry.fill(state), *ys]


def _while(trace: Interpreter, eqn: Any, *operands: Any) -> list[Any]:
    p = eqn.params
    first, last = p["cond_nconsts"], p["cond_nconsts"] + p["body_nconsts"]
    carry = _Carry("while", operands[last:])

    def run(closed: Any, consts: Sequence[Any], state: list[Any]) -> list[Any]:
        return trace.run(closed.jaxpr, closed.consts, [*consts, *carry.fill(state)])

    state = lax.while_loop(
        lambda state: run(p["cond_jaxpr"], operands[:first], state)[0],
        lambda state: carry.take_plain(run(p["body_jaxpr"], operands[first:last], state)),
        carry.plain,
    )
    return carry.fill(state)


def _cond(trace: Interpreter, eqn: Any, index: Any, *operands: Any) -> list[Any]:
    # Run every branch and select. If the predicate differs between members, vmap of cond would broadcast the weights.
    # `index` is in range, because lax.switch clamps it before.
    branches = eqn.params["branches"]
    outs = [trace.run(branch.jaxpr, branch.consts, operands) for branch in branches]

    def select(cases: Sequence[Any]) -> Any:
        if all(case is cases[0] for case in cases):
            return cases[0]
        for case in cases:
            if isinstance(case, _UNFORMED):
                raise UnsupportedPrimitiveError("cond", case, "a branch returns it")
        return lax.select_n(jnp.asarray(index, jnp.int32), *map(jnp.asarray, cases))

    return [select(cases) for cases in zip(*outs, strict=True)]


_CALLS = (
    "checkpoint",
    "closed_call",
    "core_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_vjp_call_jaxpr",
    "custom_vmap_call",
    "jit",
    "pjit",
    "remat",
    "remat2",
)

_CONTROL: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_CALLS, _call),
    "cond": _cond,
    "scan": _scan,
    "while": _while,
}
_RULES: dict[str, Callable[..., Any]] = {**RULES, **SUMS, **PRODUCTS, **COMPLEX, **SQUARES, **FLATTENS, **_CONTROL}
_RULES_OF_FLAT: dict[str, Callable[..., Any]] = {**OF_FLAT, **_CONTROL}
_RULES_OF_SQUARES: dict[str, Callable[..., Any]] = {**OF_SQUARES, **_CONTROL}
# For equations without low-rank operands, of which one is known to equal a low-rank value. Those in `_LINEAR` are
# applied to both forms; those in `_LOOKED_INTO` are interpreted, because such equations may be inside them.
_LINEAR = {**RULES, **SUMS, **PRODUCTS, **COMPLEX}
_LOOKED_INTO = ("checkpoint", "closed_call", "core_call", "jit", "pjit", "remat", "remat2", "scan")
