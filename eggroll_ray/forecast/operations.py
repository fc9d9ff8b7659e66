"""What one run of a program costs, counted in the program itself: operations, bytes, kernels; and its memory.

XLA's own `cost_analysis` counts the body of a loop once, and nearly all work of a generation is in loops (time steps,
chunks of pairs). So operations are counted in the traced program, with the lengths of its loops. Memory is what XLA
says of the compiled one.

Bytes are those of a device that fuses all elementwise work and keeps nothing in its caches: each loop iteration reads
what it uses from outside and carries on, and writes what it carries; a product reads its operands and writes its
result. Kernels are products, reductions, sorts and the like, and one for all the elementwise work of a loop's body.
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

# Start a kernel that reads its operands from memory and writes its results there: products, and names that begin so.
_WHOLE = ("dot_general", "conv_general_dilated", "sort", "top_k", "gather", "scatter", "triangular_solve")
_REDUCES = ("reduce_", "cum", "arg")  # names that begin so start a kernel into which what it reads is fused
# Cost no operation.
_MOVES = """broadcast_in_dim reshape squeeze slice dynamic_slice dynamic_update_slice concatenate transpose pad rev iota
    convert_element_type copy random_wrap random_unwrap stop_gradient split""".split()


class Program(NamedTuple):
    """What is compiled."""

    traced: jax.stages.Traced
    steps: int = 1  # the most that its loop runs

    @property
    def calls_out(self) -> bool:
        """Whether it calls LAPACK or Python: two such programs do not run at once."""
        return calls_out(self.traced)


class Work(NamedTuple):
    """What a program does in one run."""

    flops: float = 0.0  # of products two per term, of anything else one per number; integers count as well
    bytes: float = 0.0  # to and from the device's memory
    kernels: float = 0.0  # started one after the other

    def plus(self, other: "Work", times: float = 1.0) -> "Work":
        """Returns this work and so many times another."""
        return Work(*(mine + times * others for mine, others in zip(self, other, strict=True)))


class Memory(NamedTuple):
    """Bytes that a compiled program needs beside its arguments."""

    outputs: int
    temporary: int

    @property
    def total(self) -> int:
        return self.outputs + self.temporary


def work_of(program: Program) -> Work:
    """Counts one run.

    A `while` loop that is in no other loop is taken to run `program.steps` times, one inside of another once: how
    often is not known before it runs.
    """
    return _body(program.traced.jaxpr.jaxpr, program.steps)


def memory_of(program: Program) -> Memory:
    """Compiles a program for the device of this process, and asks XLA what it needs."""
    found = program.traced.lower().compile().memory_analysis()
    assert found is not None  # CPU, GPU and TPU know it
    return Memory(found.output_size_in_bytes, found.temp_size_in_bytes)


def block_program(evaluator: Evaluator, strategy: ES, state: ESState, plan: Plan) -> Program | None:
    """Traces the evaluation of a block; None where it is not one compiled program."""
    block = evaluator.bind(strategy.perturb)
    if not isinstance(block, CompiledBlock):
        return None
    past = {} if evaluator.keeps is None else {0: Earlier(state.params, evaluator.statistics)}
    return Program(block.trace(Given(state, evaluator.statistics, plan.members(0), past)), block.steps)


def update_program(strategy: ES, state: ESState, population_size: int, groups: tuple[str, ...]) -> Program:
    """Traces the update of a population; `groups` are those of the evaluator."""
    column = jax.ShapeDtypeStruct((population_size,), jnp.float32)
    fitness = dict.fromkeys(groups, column) if groups else column
    return Program(SharedProgram(strategy.update).trace(state, fitness), strategy.persistent)


def _body(jaxpr: Jaxpr, steps: int) -> Work:
    """One iteration, or the whole program: what is inside, and what it reads and writes at its edges."""
    edges = sum(map(_bytes, (*jaxpr.invars, *jaxpr.constvars, *jaxpr.outvars)))
    return _equations(jaxpr, steps).plus(Work(0.0, edges, 1.0))


def _equations(jaxpr: Jaxpr, steps: int) -> Work:
    total = Work()
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


def _one(equation: Any) -> Work:
    """An equation without a program of its own."""
    name = equation.primitive.name
    if name in _MOVES:
        return Work()
    inputs, outputs = equation.invars, equation.outvars
    if name.startswith(_REDUCES):
        return Work(float(sum(map(_size, inputs))), sum(map(_bytes, outputs)), 1.0)
    flops = float(sum(map(_size, outputs)))
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        flops *= 2 * math.prod(inputs[0].aval.shape[axis] for axis in contracted)
    elif name == "conv_general_dilated":
        kernel, dimensions = inputs[1].aval.shape, equation.params["dimension_numbers"]
        flops *= 2 * math.prod(kernel) / kernel[dimensions.rhs_spec[0]]
    if not name.startswith(_WHOLE):
        return Work(flops)
    return Work(flops, sum(map(_bytes, (*inputs, *outputs))), 1.0)


def _size(variable: Any) -> int:
    return 1 if isinstance(variable, Literal) else math.prod(variable.aval.shape)


def _bytes(variable: Any) -> int:
    return 0 if isinstance(variable, Literal) else _size(variable) * variable.aval.dtype.itemsize
