"""Policies as records of pure functions, for one observation at a time, and heads that turn outputs into actions."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from eggroll_ray.env import Box, Discrete, Space

Activation = Callable[[Array], Array]


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

    def init(key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        if observation.ndim != 3:
            raise ValueError(f"cnn needs observations (height, width, channels), not {observation.shape}; use mlp.")
        conv, linear, head = jax.random.split(key, 3)
        height, width, inputs = observation.shape
        if min(height, width) < 3:
            raise ValueError(f"cnn needs images of at least 3 x 3, not {height} x {width}; use mlp.")
        features = (height - 2) * (width - 2) * channels
        kernel = jax.random.normal(conv, (3, 3, inputs, channels)) / jnp.sqrt(9.0 * inputs)
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


def is_image(observation_shape: tuple[int, ...]) -> bool:
    """Whether observations are `(height, width, channels)`, large enough for `cnn`."""
    return len(observation_shape) == 3 and min(observation_shape[:2]) >= 3


def default_policy(observation_shape: tuple[int, ...]) -> Policy:
    """A small CNN for images, an MLP of 2 x 64 for everything else."""
    return cnn() if is_image(observation_shape) else mlp()


@runtime_checkable
class Head(Protocol):
    """Says how many outputs an action space needs, and maps them to an action."""

    def outputs(self, space: Space) -> int: ...

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array: ...


class DeterministicHead(NamedTuple):
    """The most likely discrete action; `tanh` squashed into the bounds of a box (unbounded: as it is)."""

    def outputs(self, space: Space) -> int:
        return space.n if isinstance(space, Discrete) else _size(space)

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array:
        del key
        if isinstance(space, Discrete):
            return jnp.argmax(outputs).astype(jnp.int32)
        return squash(space, outputs)


class SamplingHead(NamedTuple):
    """A categorical sample, or a squashed Gaussian one with a learned log standard deviation per output."""

    def outputs(self, space: Space) -> int:
        return space.n if isinstance(space, Discrete) else 2 * _size(space)

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array:
        if isinstance(space, Discrete):
            return jax.random.categorical(key, outputs).astype(jnp.int32)
        mean, log_std = jnp.split(outputs, 2)
        noise = jax.random.normal(key, mean.shape, jnp.float32)
        return squash(space, mean + jnp.exp(jnp.clip(log_std, -5.0, 2.0)) * noise)


def squash(space: Box, x: Float[Array, " size"]) -> Float[Array, "*shape"]:
    """Maps reals into `[low, high]` by tanh; axes without finite bounds are left as they are."""
    x = x.astype(jnp.float32).reshape(space.shape)
    low, high = jnp.asarray(space.low), jnp.asarray(space.high)
    bounded = jnp.isfinite(low) & jnp.isfinite(high)
    low, high = jnp.where(bounded, low, -1.0), jnp.where(bounded, high, 1.0)
    return jnp.where(bounded, low + 0.5 * (jnp.tanh(x) + 1.0) * (high - low), x)


def _size(space: Box) -> int:
    return int(space.low.size)


def _linear_init(key: PRNGKeyArray, inputs: int, outputs: int) -> dict[str, Array]:
    kernel = jax.random.normal(key, (inputs, outputs), jnp.float32) / jnp.sqrt(float(inputs))
    return {"kernel": kernel, "bias": jnp.zeros(outputs, jnp.float32)}


def _linear(layer: dict[str, Array], x: Array) -> Array:
    return x @ layer["kernel"] + layer["bias"]
