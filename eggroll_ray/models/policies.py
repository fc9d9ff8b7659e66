"""Policies as records of pure functions, for one observation at a time."""

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from eggroll_ray.es.random import normal
from eggroll_ray.es.recipe import Recipe, from_json, recipe_of, with_recipe

Activation = Callable[[Array], Array]

_SMALLEST_NATURE = 36  # least height and width in pixels, below which the third convolution would have no output


class Policy(NamedTuple):
    """A network as a record of functions, for a single observation. It has no batch axis and knows no noise.

    `init(key, observation, outputs)` takes a key (consumed), an example observation (zeros) and the number of outputs,
    and returns parameters. `apply(params, observation, carry)` returns the outputs, `(outputs,)`, and the next carry.
    `initial_carry()` returns the recurrent state at the start of an episode, `()` if there is none. `architecture`
    describes the network in JSON types. An export writes it next to the parameters, so that other programs can rebuild
    the network. It is empty for a network of your own, unless you fill it in.
    """

    init: Callable[[PRNGKeyArray, Array, int], Any]
    apply: Callable[[Any, Array, Any], tuple[Float[Array, " outputs"], Any]]
    initial_carry: Callable[[], Any] = tuple
    architecture: Mapping[str, Any] = {}
    recipe: Recipe | None = None  # how to make the policy again from a record; None if that is not possible


def feedforward(
    init: Callable[[PRNGKeyArray, Array, int], Any],
    apply: Callable[[Any, Array], Array],
    architecture: Mapping[str, Any] = {},
) -> Policy:
    """Makes a policy of any function `apply(params, observation) -> outputs`, such as a Flax or Equinox model's."""
    return Policy(
        init, lambda params, observation, carry: (apply(params, observation), carry), architecture=architecture
    )


def relu(x: Array) -> Array:
    """Computes max(x, 0)."""
    return jnp.maximum(x, 0.0)


def pqn(x: Array) -> Array:
    """Computes relu(layer_norm(x)) without affine parameters, the activation of the paper (App. N.4; epsilon 1e-5)."""
    centred = x - x.mean()
    return jax.nn.relu(centred * jax.lax.rsqrt(jnp.mean(centred * centred) + 1e-5))


def mlp(hidden: Sequence[int] = (64, 64), activation: Activation = jnp.tanh) -> Policy:
    """Makes a fully connected network on the flattened observation, with weights N(0, 1 / fan_in) and zero biases.

    Args:
      hidden: width of each hidden layer.
      activation: function applied after each hidden layer.
    """

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        sizes = (observation.size, *hidden, int(outputs))
        layers = _layers(key, tuple(itertools.pairwise(sizes)))
        return {f"layer_{i}": layer for i, layer in enumerate(layers)}

    def apply(params: Any, observation: Array) -> Array:
        x = observation.reshape(-1)
        for i in range(len(hidden)):
            x = activation(_linear(params[f"layer_{i}"], x))
        return _linear(params[f"layer_{len(hidden)}"], x)

    shown, known = getattr(activation, "__name__", type(activation).__name__), name_of_activation(activation)
    made = feedforward(init, apply, {"kind": "mlp", "hidden": list(hidden), "activation": shown})
    return made if known is None else with_recipe(made, "mlp", {"hidden": list(hidden), "activation": known})


def gru(width: int = 64) -> Policy:
    """Makes a gated recurrent unit of this width on the flattened observation, with a linear layer on its state."""

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        shapes = ((observation.size, 3 * width), (width, 3 * width), (width, int(outputs)))
        return dict(zip(("inputs", "state", "head"), _layers(key, shapes), strict=True))

    def apply(params: Any, observation: Array, carry: Array) -> tuple[Array, Array]:
        reset_x, update_x, new_x = jnp.split(_linear(params["inputs"], observation.reshape(-1)), 3)
        reset_h, update_h, new_h = jnp.split(_linear(params["state"], carry), 3)
        update = jax.nn.sigmoid(update_x + update_h)
        candidate = jnp.tanh(new_x + jax.nn.sigmoid(reset_x + reset_h) * new_h)
        carry = (1.0 - update) * candidate + update * carry
        return _linear(params["head"], carry), carry

    made = Policy(init, apply, lambda: jnp.zeros(width, jnp.float32), {"kind": "gru", "width": width})
    return with_recipe(made, "gru", {"width": width})


def cnn(channels: int = 16, hidden: int = 64) -> Policy:
    """Makes a 3 x 3 convolution and a hidden layer, for small images `(height, width, channels)` such as MinAtar's."""

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if observation.ndim != 3:
            raise ValueError(f"cnn needs observations (height, width, channels), not {observation.shape}; use mlp.")
        height, width, inputs = observation.shape
        if min(height, width) < 3:
            raise ValueError(f"cnn needs images of at least 3 x 3, not {height} x {width}; use mlp.")
        features = (height - 2) * (width - 2) * channels
        shapes = ((3, 3, inputs, channels), (features, hidden), (hidden, int(outputs)))
        return dict(zip(("conv", "linear", "head"), _layers(key, shapes), strict=True))

    def apply(params: Any, observation: Array) -> Array:
        image = observation.astype(jnp.float32)[None]
        layout = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(image, params["conv"]["kernel"], (1, 1), "VALID", dimension_numbers=layout)[0]
        x = jax.nn.relu(x + params["conv"]["bias"][None, None, :]).reshape(-1)
        x = jax.nn.relu(_linear(params["linear"], x))
        return _linear(params["head"], x)

    made = feedforward(init, apply, {"kind": "cnn", "channels": channels, "hidden": hidden})
    return with_recipe(made, "cnn", {"channels": channels, "hidden": hidden})


def nature_cnn(hidden: int = 512) -> Policy:
    """Makes the three convolutions of Mnih et al. 2015 and a hidden layer, for large images such as Atari's.

    Images must have at least 36 x 36 pixels. Bytes are scaled to [0, 1].
    """
    layers = ((8, 4, 32), (4, 2, 64), (3, 1, 64))  # kernel, stride, channels

    def convolve(params: Any, observation: Array) -> Array:
        x = observation.astype(jnp.float32)[None]
        x = x / 255.0 if observation.dtype == jnp.uint8 else x
        layout = ("NHWC", "HWIO", "NHWC")
        for i, (_, stride, _) in enumerate(layers):
            conv = params[f"conv_{i}"]
            x = jax.lax.conv_general_dilated(x, conv["kernel"], (stride, stride), "VALID", dimension_numbers=layout)
            x = jax.nn.relu(x + conv["bias"][None, None, None, :])
        return x.reshape(-1)

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if observation.ndim != 3 or min(observation.shape[:2]) < _SMALLEST_NATURE:
            raise ValueError(
                f"nature_cnn needs images (height, width, channels) of at least {_SMALLEST_NATURE} x "
                f"{_SMALLEST_NATURE}, not {observation.shape}; use cnn for smaller images, mlp for other observations."
            )
        shapes, (height, width, inputs) = [], observation.shape
        for size, stride, channels in layers:
            shapes.append((size, size, inputs, channels))
            height, width, inputs = (height - size) // stride + 1, (width - size) // stride + 1, channels
        shapes += [(height * width * inputs, hidden), (hidden, int(outputs))]
        names = (*(f"conv_{i}" for i in range(len(layers))), "linear", "head")
        return dict(zip(names, _layers(key, tuple(shapes)), strict=True))

    def apply(params: Any, observation: Array) -> Array:
        x = jax.nn.relu(_linear(params["linear"], convolve(params, observation)))
        return _linear(params["head"], x)

    architecture = {"kind": "nature_cnn", "layers": [list(layer) for layer in layers], "hidden": hidden}
    return with_recipe(feedforward(init, apply, architecture), "nature_cnn", {"hidden": hidden})


def with_log_std(policy: Policy) -> Policy:
    """Adds a vector of parameters, one log standard deviation per action, that starts at zero (paper App. N.4).

    It is for `SamplingHead` on a box, whose outputs are means and log standard deviations. The network then computes
    only the means. Parameters are `{"policy": ..., "log_std": (size,)}`.
    """

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if outputs % 2:
            raise ValueError(
                f"with_log_std needs an even number of outputs (means and log standard deviations), not {outputs}; use "
                "it only with SamplingHead on a box."
            )
        size = outputs // 2
        return {"policy": policy.init(key, observation, size), "log_std": jnp.zeros(size, jnp.float32)}

    def apply(params: Any, observation: Array, carry: Any) -> tuple[Array, Any]:
        mean, carry = policy.apply(params["policy"], observation, carry)
        return jnp.concatenate([mean, params["log_std"].astype(mean.dtype)]), carry

    architecture = {"kind": "with_log_std", "policy": policy.architecture}
    made, inner = Policy(init, apply, policy.initial_carry, architecture), recipe_of(policy)
    return made if inner is None else with_recipe(made, "with_log_std", {"policy": inner})


def name_of_activation(activation: Activation) -> str | None:
    """Returns the name under which a record knows an activation, None if it is none of ours or of JAX."""
    return next((name for name, one in _activations().items() if one is activation), None)


def policy_from(recipe: Mapping[str, Any]) -> Policy:
    """Makes a policy of its recipe.

    Raises:
      ValueError: when the recipe is none of this version's.
    """
    try:
        arguments = dict(from_json(recipe["arguments"]))
        if "activation" in arguments:
            arguments["activation"] = _activations()[arguments["activation"]]
        if "policy" in arguments:
            arguments["policy"] = policy_from(recipe["arguments"]["policy"])
        return _MAKERS[recipe["name"]](**arguments)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{str(recipe)[:80]} is the recipe of no policy that this version knows.") from error


@functools.cache
def _activations() -> dict[str, Activation]:
    names = ("relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "softplus", "leaky_relu")
    return {"tanh": jnp.tanh, "pqn": pqn, "plain_relu": relu, **{name: getattr(jax.nn, name) for name in names}}


_MAKERS: dict[str, Callable[..., Policy]] = {
    "mlp": mlp,
    "gru": gru,
    "cnn": cnn,
    "nature_cnn": nature_cnn,
    "with_log_std": with_log_std,
}


def is_image(observation_shape: tuple[int, ...]) -> bool:
    """Whether observations are images `(height, width, channels)` large enough for `cnn`."""
    return len(observation_shape) == 3 and min(observation_shape[:2]) >= 3


def is_large_image(observation_shape: tuple[int, ...]) -> bool:
    """Whether observations are images large enough for `nature_cnn`."""
    return is_image(observation_shape) and min(observation_shape[:2]) >= _SMALLEST_NATURE


def default_policy(observation_shape: tuple[int, ...]) -> Policy:
    """Returns `cnn()` for small images, `nature_cnn()` for large ones, and `mlp()` for all other observations."""
    if not is_image(observation_shape):
        return mlp()
    return nature_cnn() if is_large_image(observation_shape) else cnn()


@functools.partial(jax.jit, static_argnums=1)  # otherwise each operation would be compiled as its own program
def _layers(key: PRNGKeyArray, shapes: tuple[tuple[int, ...], ...]) -> list[dict[str, Array]]:
    """Draws layers with kernels N(0, 1 / inputs) and zero biases, float32. Inputs are all axes but the last.

    The kernels have the same numbers as with `jax.random.normal`, which takes several times as long to compile.
    """
    keys = jax.random.split(key, len(shapes))
    return [
        {
            "kernel": normal(key, shape) / np.sqrt(np.float32(math.prod(shape[:-1]))),
            "bias": jnp.zeros(shape[-1], jnp.float32),
        }
        for key, shape in zip(keys, shapes, strict=True)
    ]


def _linear(layer: dict[str, Array], x: Array) -> Array:
    return x @ layer["kernel"] + layer["bias"]
