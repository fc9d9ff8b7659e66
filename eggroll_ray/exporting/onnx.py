"""The policy as ONNX, made by `jax2onnx` and compared with the policy in `onnxruntime`: for programs without JAX."""

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import jax
from jax import export
from jax.extend.core import Literal
from jax.interpreters import partial_eval

from eggroll_ray.exporting.function import PolicyFunction
from eggroll_ray.exporting.trial import compare, example_inputs
from eggroll_ray.lowrank.rule import bind

_TOLERANCE = 1e-5


def check_installed() -> None:
    """Raises ImportError where the extra is missing."""
    missing = [name for name in ("jax2onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"the ONNX export needs {' and '.join(missing)}: pip install 'eggroll-ray[onnx]'.")


def onnx_bytes(function: PolicyFunction) -> tuple[bytes, dict[str, object]]:
    """Returns the ONNX model, whose inputs and outputs have the names of `policy.json`, and what that says of it.

    Raises:
      ImportError: where the extra is missing.
      ValueError: when an operation of the policy has no counterpart in ONNX, or the actions differ by more than 1e-5.
    """
    check_installed()
    try:
        model = _convert(function)
    except Exception as error:  # jax2onnx has no errors of one kind
        first = (str(error).strip() or "no message").splitlines()[0]
        raise ValueError(
            f"jax2onnx cannot convert this policy: {type(error).__name__}: {first}. Choose stablehlo, which "
            "holds every operation of JAX, or a network without the operation."
        ) from error
    _remove_unused(model.graph)
    data = model.SerializeToString()
    compare("ONNX", function, example_inputs(function, 3), _runner(data), _TOLERANCE)
    return data, {"opset": max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back what jax2onnx says of converters that this version of JAX does not suit and that no policy needs."""
    logger = logging.getLogger("jax2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _remove_unused(graph: Any) -> None:
    """Removes constants that nothing takes: onnxruntime warns of each of them."""
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return  # a graph within may take them
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [array for array in graph.initializer if array.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _convert(function: PolicyFunction) -> Any:
    with _quiet():
        from jax2onnx import to_onnx  # pyright: ignore[reportMissingImports] - an extra

        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            size = next(iter(export.symbolic_shape("n")))
            specs = function.specs(size)
            # Traced here, since jax2onnx replaces functions of jax.numpy while it traces, also inside of other rules.
            traced = jax.make_jaxpr(function.call)(*specs)
            needed, _ = partial_eval.dce_jaxpr(traced.jaxpr, [True] * len(traced.out_avals), instantiate=True)
            return to_onnx(
                lambda *inputs: _evaluate(needed, traced.consts, inputs),
                specs,
                model_name="policy",
                return_mode="proto",
                input_names=[port.name for port in function.inputs],
                output_names=[port.name for port in function.outputs],
            )


def _evaluate(jaxpr: Any, constants: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Evaluates a program without `stack`, an operation that JAX has since 0.10 and jax2onnx does not convert."""
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *inputs], strict=True))

    def read(operand: Any) -> Any:
        return operand.val if isinstance(operand, Literal) else known[operand]

    for equation in jaxpr.eqns:
        operands, name = [read(operand) for operand in equation.invars], equation.primitive.name
        if name in ("jit", "pjit"):
            inner = equation.params["jaxpr"]
            results = _evaluate(inner.jaxpr, inner.consts, operands)
        elif name == "stack":
            axis = equation.params["axis"]
            results = [jax.lax.concatenate([jax.lax.expand_dims(x, [axis]) for x in operands], axis)]
        else:
            results = bind(equation, *operands)
        known.update(zip(equation.outvars, results, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _runner(data: bytes) -> Any:
    import onnxruntime  # pyright: ignore[reportMissingImports] - an extra

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))
