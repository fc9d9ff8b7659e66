"""Policies as records of pure functions, for one observation at a time."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from eggroll_ray import noise

Activation = Callable[[Array], Array]

_SMALLEST_NATURE = 36  # pixels; with fewer the third convolution has nothing left


class Policy(NamedTuple):
    """A network as it stands: no batch axis, no noise, no environment.

    `init(key, observation, outputs)` takes a key (consumed), an example observation (zeros) and the number
    of outputs and returns parameters. `apply(params, observation, carry)` returns `(outputs,)` and the next
    carry. `initial_carry()` is the recurrent state at the start of an episode, `()` if there is none.
    """

    init: Callable[[PRNGKeyArray, Array, int], Any]
    apply: Callable[[Any, Array, Any], tuple[Float[Array, " outputs"], Any]]
    initial_carry: Callable[[], Any] = tuple


def feedforward(init: Callable[[PRNGKeyArray, Array, int], Any], apply: Callable[[Any, Array], Array]) -> Policy:
    """A policy of any plain, Flax or Equinox function `apply(params, observation) -> outputs`."""
    return Policy(init, lambda params, observation, carry: (apply(params, observation), carry))


def pqn(x: Array) -> Array:
    """relu(layer_norm(x)) without affine parameters, the paper's activation (paper App. N.4; eps 1e-5)."""
    centred = x - x.mean()
    return jax.nn.relu(centred * jax.lax.rsqrt(jnp.mean(centred * centred) + 1e-5))


def mlp(hidden: Sequence[int] = (64, 64), activation: Activation = jnp.tanh) -> Policy:
    """A fully connected network on the flattened observation; weights N(0, 1 / fan_in), biases zero.

    Args:
      hidden: width of each hidden layer.
      activation: after each hidden layer.
    """

    @_in_one_program
    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        sizes = (observation.size, *hidden, outputs)
        keys = jax.random.split(key, len(sizes) - 1)
        return {
            f"layer_{i}": _linear_init(k, m, n)
            for i, (k, m, n) in enumerate(zip(keys, sizes[:-1], sizes[1:], strict=True))
        }

    def apply(params: Any, observation: Array) -> Array:
        x = observation.reshape(-1)
        for i in range(len(hidden)):
            x = activation(_linear(params[f"layer_{i}"], x))
        return _linear(params[f"layer_{len(hidden)}"], x)

    return feedforward(init, apply)


def gru(width: int = 64) -> Policy:
    """A gated recurrent unit on the flattened observation and a linear layer on its state."""

    @_in_one_program
    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        inputs, state, head = jax.random.split(key, 3)
        return {
            "inputs": _linear_init(inputs, observation.size, 3 * width),
            "state": _linear_init(state, width, 3 * width),
            "head": _linear_init(head, width, outputs),
        }

    def apply(params: Any, observation: Array, carry: Array) -> tuple[Array, Array]:
        reset_x, update_x, new_x = jnp.split(_linear(params["inputs"], observation.reshape(-1)), 3)
        reset_h, update_h, new_h = jnp.split(_linear(params["state"], carry), 3)
        update = jax.nn.sigmoid(update_x + update_h)
        candidate = jnp.tanh(new_x + jax.nn.sigmoid(reset_x + reset_h) * new_h)
        carry = (1.0 - update) * candidate + update * carry
        return _linear(params["head"], carry), carry

    return Policy(init, apply, lambda: jnp.zeros(width, jnp.float32))


def cnn(channels: int = 16, hidden: int = 64) -> Policy:
    """A 3 x 3 convolution and a hidden layer, for images `(height, width, channels)` as MinAtar's."""

    @_in_one_program
    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if observation.ndim != 3:
            raise ValueError(f"cnn needs observations (height, width, channels), not {observation.shape}; use mlp.")
        conv, linear, head = jax.random.split(key, 3)
        height, width, inputs = observation.shape
        if min(height, width) < 3:
            raise ValueError(f"cnn needs images of at least 3 x 3, not {height} x {width}; use mlp.")
        features = (height - 2) * (width - 2) * channels
        kernel = _weights(conv, (3, 3, inputs, channels), 9 * inputs)
        return {
            "conv": {"kernel": kernel, "bias": jnp.zeros(channels)},
            "linear": _linear_init(linear, features, hidden),
            "head": _linear_init(head, hidden, outputs),
        }

    def apply(params: Any, observation: Array) -> Array:
        image = observation.astype(jnp.float32)[None]
        layout = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(image, params["conv"]["kernel"], (1, 1), "VALID", dimension_numbers=layout)[0]
        x = jax.nn.relu(x + params["conv"]["bias"][None, None, :]).reshape(-1)
        x = jax.nn.relu(_linear(params["linear"], x))
        return _linear(params["head"], x)

    return feedforward(init, apply)


def nature_cnn(hidden: int = 512) -> Policy:
    """The three convolutions of Mnih et al. 2015 and a hidden layer, for images of at least 36 x 36, as Atari's.

    Bytes are scaled to [0, 1].
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

    @_in_one_program
    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if observation.ndim != 3 or min(observation.shape[:2]) < _SMALLEST_NATURE:
            raise ValueError(
                f"nature_cnn needs images (height, width, channels) of at least {_SMALLEST_NATURE} x "
                f"{_SMALLEST_NATURE}, not {observation.shape}; use cnn for smaller ones, mlp for what is no image."
            )
        *keys, linear, head = jax.random.split(key, len(layers) + 2)
        params, inputs = {}, observation.shape[2]
        for i, (size, _, channels) in enumerate(layers):
            kernel = _weights(keys[i], (size, size, inputs, channels), size * size * inputs)
            params[f"conv_{i}"], inputs = {"kernel": kernel, "bias": jnp.zeros(channels)}, channels
        features = jax.eval_shape(convolve, params, observation).size
        return params | {"linear": _linear_init(linear, features, hidden), "head": _linear_init(head, hidden, outputs)}

    def apply(params: Any, observation: Array) -> Array:
        x = jax.nn.relu(_linear(params["linear"], convolve(params, observation)))
        return _linear(params["head"], x)

    return feedforward(init, apply)


def with_log_std(policy: Policy) -> Policy:
    """Adds a log standard deviation per action, a vector of parameters that starts at zero (paper App. N.4).

    For `SamplingHead` on a box, whose outputs are means and log standard deviations: the network then gives the means
    alone. Parameters are `{"policy": ..., "log_std": (size,)}`.
    """

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if outputs % 2:
            raise ValueError(
                f"with_log_std needs an even number of outputs, means and log standard deviations, not {outputs}; it "
                "is for SamplingHead on a box."
            )
        size = outputs // 2
        return {"policy": policy.init(key, observation, size), "log_std": jnp.zeros(size, jnp.float32)}

    def apply(params: Any, observation: Array, carry: Any) -> tuple[Array, Any]:
        mean, carry = policy.apply(params["policy"], observation, carry)
        return jnp.concatenate([mean, params["log_std"].astype(mean.dtype)]), carry

    return Policy(init, apply, policy.initial_carry)


def is_image(observation_shape: tuple[int, ...]) -> bool:
    """Whether observations are `(height, width, channels)`, large enough for `cnn`."""
    return len(observation_shape) == 3 and min(observation_shape[:2]) >= 3


def is_large_image(observation_shape: tuple[int, ...]) -> bool:
    """Whether observations are images large enough for `nature_cnn`."""
    return is_image(observation_shape) and min(observation_shape[:2]) >= _SMALLEST_NATURE


def default_policy(observation_shape: tuple[int, ...]) -> Policy:
    """A small CNN for small images, the larger one for large images, an MLP of 2 x 64 for everything else."""
    if not is_image(observation_shape):
        return mlp()
    return nature_cnn() if is_large_image(observation_shape) else cnn()


def _in_one_program(init: Callable[[PRNGKeyArray, Array, int], Any]) -> Callable[[PRNGKeyArray, Array, int], Any]:
    """Compiles the initialiser of a policy: step by step, each of its operations would be a program of its own."""
    return jax.jit(init, static_argnums=2)


def _weights(key: PRNGKeyArray, shape: tuple[int, ...], inputs: int) -> Array:
    """N(0, 1 / inputs), of the numbers of `jax.random.normal`; those of `noise` compile several times as fast."""
    normal = noise.normal if str(jax.random.key_impl(key)) == "threefry2x32" else jax.random.normal
    return normal(key, shape).astype(jnp.float32) / np.sqrt(np.float32(inputs))


def _linear_init(key: PRNGKeyArray, inputs: int, outputs: int) -> dict[str, Array]:
    return {"kernel": _weights(key, (inputs, outputs), inputs), "bias": jnp.zeros(outputs, jnp.float32)}


def _linear(layer: dict[str, Array], x: Array) -> Array:
    return x @ layer["kernel"] + layer["bias"]
