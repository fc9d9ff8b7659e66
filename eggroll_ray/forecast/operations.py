"""Counts the operations, bytes and kernels of one run of a program, and asks XLA for the memory it needs.

XLA's own `cost_analysis` counts the body of a loop once, but nearly all work of a generation is in loops (over time
steps and chunks of pairs). So operations are counted here in the traced program, with the lengths of its loops. The
memory is what XLA reports for the compiled program.

The bytes are those of a device that fuses all elementwise work and has no caches. Each loop iteration reads its carry
and what it uses from outside, and writes its carry. A product reads its operands and writes its result. Kernels are
products, reductions, sorts and the like, plus one for all elementwise work in the body of a loop.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, Literal

from eggroll_ray.compiling.block_program import calls_out
from eggroll_ray.compiling.jaxprs import called
from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es.record import ES, ESState
from eggroll_ray.evaluators.record import CompiledBlock, Earlier, Evaluator, Given
from eggroll_ray.workers.plan import Plan

# Prefixes of primitives that are kernels of their own: they read their operands from memory and write their results.
_WHOLE = ("dot_general", "conv_general_dilated", "sort", "top_k", "gather", "scatter", "triangular_solve")
_REDUCES = ("reduce_", "cum", "arg")  # prefixes of primitives that start a kernel, with their operands fused into it
# Primitives that count as no operation.
_MOVES = """broadcast_in_dim reshape squeeze slice dynamic_slice dynamic_update_slice concatenate transpose pad rev iota
    convert_element_type copy random_wrap random_unwrap stop_gradient split""".split()


class Program(NamedTuple):
    """A traced program."""

    traced: jax.stages.Traced
    steps: int = 1  # the largest number of iterations of its loop

    @property
    def calls_out(self) -> bool:
        """Whether it calls LAPACK or Python. Two such programs are not run at the same time."""
        return calls_out(self.traced)


class Operations(NamedTuple):
    """The work of one run of a program."""

    flops: float = 0.0  # products count two per term, anything else one per number; integer operations included
    bytes: float = 0.0  # to and from the device's memory
    kernels: float = 0.0  # number of kernels, started one after the other

    def plus(self, other: "Operations", times: float = 1.0) -> "Operations":
        """Returns the sum of this work and `times` times another."""
        return Operations(*(mine + times * others for mine, others in zip(self, other, strict=True)))


class Memory(NamedTuple):
    """Bytes that a compiled program needs in addition to its arguments."""

    outputs: int
    temporary: int

    @property
    def total(self) -> int:
        return self.outputs + self.temporary


def operations_of(program: Program) -> Operations:
    """Counts the operations of one run.

    The number of iterations of a `while` loop is not known before it runs. An outermost loop is assumed to have
    `program.steps` iterations, a loop inside another one a single iteration.
    """
    return _body(program.traced.jaxpr.jaxpr, program.steps)


def memory_of(program: Program) -> Memory:
    """Compiles a program for the device of this process, and returns the memory that XLA reports for it."""
    found = program.traced.lower().compile().memory_analysis()
    assert found is not None  # CPU, GPU and TPU report it
    return Memory(found.output_size_in_bytes, found.temp_size_in_bytes)


def block_program(evaluator: Evaluator, strategy: ES, state: ESState, plan: Plan) -> Program | None:
    """Traces the evaluation of a block. Returns None if it is not one compiled program."""
    block = evaluator.bind(strategy.perturb)
    if not isinstance(block, CompiledBlock):
        return None
    past = {} if evaluator.keeps is None else {0: Earlier(state.params, evaluator.statistics)}
    return Program(block.trace(Given(state, evaluator.statistics, plan.members(0), past)), block.steps)


def update_program(strategy: ES, state: ESState, population_size: int, groups: tuple[str, ...]) -> Program:
    """Traces the update of a population. `groups` are the evaluator's groups."""
    column = jax.ShapeDtypeStruct((population_size,), jnp.float32)
    fitness = dict.fromkeys(groups, column) if groups else column
    return Program(SharedProgram(strategy.update).trace(state, fitness), strategy.persistent)


def _body(jaxpr: Jaxpr, steps: int) -> Operations:
    """The work of one loop iteration or a whole program, including reading its inputs and writing its outputs."""
    edges = sum(map(_bytes, (*jaxpr.invars, *jaxpr.constvars, *jaxpr.outvars)))
    return _equations(jaxpr, steps).plus(Operations(0.0, edges, 1.0))


def _equations(jaxpr: Jaxpr, steps: int) -> Operations:
    total = Operations()
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        if name == "scan":
            total = total.plus(_body(params["jaxpr"].jaxpr, 1), params["length"])
        elif name == "while":
            once = _body(params["cond_jaxpr"].jaxpr, 1).plus(_body(params["body_jaxpr"].jaxpr, 1))
            total = total.plus(once, steps)
        elif name == "cond":
            total = total.plus(max(_equations(branch.jaxpr, steps) for branch in params["branches"]))
        elif (inside := called(params)) and not name.startswith((*_WHOLE, *_REDUCES)):
            for one in inside:
                total = total.plus(_equations(one, steps))
        else:
            total = total.plus(_one(equation))
    return total


def _one(equation: Any) -> Operations:
    """The work of an equation that calls no other program."""
    name = equation.primitive.name
    if name in _MOVES:
        return Operations()
    inputs, outputs = equation.invars, equation.outvars
    if name.startswith(_REDUCES):
        return Operations(float(sum(map(_size, inputs))), sum(map(_bytes, outputs)), 1.0)
    flops = float(sum(map(_size, outputs)))
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        flops *= 2 * math.prod(inputs[0].aval.shape[axis] for axis in contracted)
    elif name == "conv_general_dilated":
        kernel, dimensions = inputs[1].aval.shape, equation.params["dimension_numbers"]
        flops *= 2 * math.prod(kernel) / kernel[dimensions.rhs_spec[0]]
    if not name.startswith(_WHOLE):
        return Operations(flops)
    return Operations(flops, sum(map(_bytes, (*inputs, *outputs))), 1.0)


def _size(variable: Any) -> int:
    return 1 if isinstance(variable, Literal) else math.prod(variable.aval.shape)


def _bytes(variable: Any) -> int:
    return 0 if isinstance(variable, Literal) else _size(variable) * variable.aval.dtype.itemsize
