"""EGGROLL on one page, without this package: an MLP learns CartPole in a few seconds on a CPU.

It shows the whole method (Evolution Strategies at the Hyperscale, arXiv 2511.16652): each member of the
population perturbs each weight matrix W by E = A B^T / sqrt(rank), but neither E nor W + sigma E is formed.

Run: python examples/eggroll_in_100_lines.py [--generations 40] [--population-size 512] [--rank 1]

Letters in shapes: n members, the first half with +E and their twins in the second half with -E; p = n / 2
pairs of twins; r rank; m k inputs and outputs of a layer.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

LAYERS = list(itertools.pairwise((4, 32, 32, 2)))  # observation, two hidden layers, a score for each action
STEPS = 500  # an episode is no longer; the return is the number of steps survived


# --- The method ---------------------------------------------------------------------------------------


def draw_noise(key, generation, pair, rank):
    """The noise of one pair. It depends only on numbers, so it can be drawn again instead of stored or sent."""
    key, noise = jax.random.fold_in(jax.random.fold_in(key, generation), pair), []
    for layer, (m, k) in enumerate(LAYERS):
        key_a, key_b, key_bias = jax.random.split(jax.random.fold_in(key, layer), 3)
        a, b = jax.random.normal(key_a, (m, rank)), jax.random.normal(key_b, (k, rank))
        noise.append((a / jnp.sqrt(rank), b, jax.random.normal(key_bias, (k,))))  # A B^T has variance 1
    return noise


def forward(params, noise, sigma, x):
    """Scores (n, 2) of n members, for one observation each, x (n, 4); sigma (n,) carries each one's sign."""
    for layer, ((weight, bias), (a, b, bias_noise)) in enumerate(zip(params, noise, strict=True)):
        shared = x @ weight + bias  # one product for all members
        skinny = jnp.einsum("nr,nkr->nk", jnp.einsum("nm,nmr->nr", x, a), b)  # (x A) B^T
        x = shared + sigma[:, None] * (skinny + bias_noise)
        x = jnp.tanh(x) if layer < len(LAYERS) - 1 else x
    return x


def centred_ranks(fitness):
    """Maps fitness (n,) to [-0.5, 0.5] by rank; ties share the mean of their ranks."""
    below = (fitness[None, :] < fitness[:, None]).sum(axis=1)
    ties = (fitness[None, :] == fitness[:, None]).sum(axis=1)
    return (below + 0.5 * (ties - 1)) / (len(fitness) - 1) - 0.5


def estimate_gradient(noise, fitness, sigma):
    """1 / (n sigma) sum_i F_i E_i; twins share E up to its sign. The transpose of the noise in `forward`."""
    weights = (fitness[: len(fitness) // 2] - fitness[len(fitness) // 2 :]) / (len(fitness) * sigma)
    return [(jnp.einsum("p,pmr,pkr->mk", weights, a, b), weights @ bias) for a, b, bias in noise]


# --- The task: a cart that balances a pole (Barto, Sutton and Anderson 1983) --------------------------


def step_cart_pole(state, right):
    """One step of 0.02 s; state (n, 4): position, velocity, angle, angular velocity; right (n,) bool."""
    _, velocity, angle, spin = state.T
    pole_mass, half_length, total_mass = 0.1, 0.5, 1.1
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    push = (jnp.where(right, 10.0, -10.0) + pole_mass * half_length * spin**2 * sin) / total_mass
    turn = (9.8 * sin - cos * push) / (half_length * (4.0 / 3.0 - pole_mass * cos**2 / total_mass))
    shift = push - pole_mass * half_length * turn * cos / total_mass
    return state + 0.02 * jnp.stack([velocity, shift, spin, turn], axis=1)


def play(params, noise, sigma, start):
    """Returns (n,) of n members, each of which plays one episode from its state in start (n, 4)."""

    def step(loop):
        time, state, alive, total = loop
        scores = forward(params, noise, sigma, state)
        state = step_cart_pole(state, scores[:, 1] > scores[:, 0])
        alive &= (jnp.abs(state[:, 0]) < 2.4) & (jnp.abs(state[:, 2]) < jnp.deg2rad(12.0))
        return time + 1, state, alive, total + alive

    first = (0, start, jnp.ones(len(start), bool), jnp.zeros(len(start)))
    return jax.lax.while_loop(lambda loop: (loop[0] < STEPS) & loop[2].any(), step, first)[3]


def main(generations: int = 40, population_size: int = 512, rank: int = 1, sigma: float = 0.1, seed: int = 0) -> None:
    noise_key, start_key, test_key, *layer_keys = jax.random.split(jax.random.key(seed), 3 + len(LAYERS))
    kernels = [jax.random.normal(k, s) / jnp.sqrt(s[0]) for k, s in zip(layer_keys, LAYERS, strict=True)]
    params = [(kernel, jnp.zeros(kernel.shape[1])) for kernel in kernels]
    optimizer, half = optax.adam(0.03), population_size // 2
    signed_sigma = sigma * jnp.repeat(jnp.array([1.0, -1.0]), half)

    @jax.jit
    def evolve(params, optimizer_state, generation):
        noise = jax.vmap(lambda pair: draw_noise(noise_key, generation, pair, rank))(jnp.arange(half))
        twins = jax.tree.map(lambda x: jnp.concatenate([x, x]), noise)
        start = jax.random.uniform(jax.random.fold_in(start_key, generation), (1, 4), minval=-0.05, maxval=0.05)
        fitness = play(params, twins, signed_sigma, jnp.repeat(start, 2 * half, axis=0))
        gradient = estimate_gradient(noise, centred_ranks(fitness), sigma)
        descent = jax.tree.map(jnp.negative, gradient)  # optax minimises
        updates, optimizer_state = optimizer.update(descent, optimizer_state)
        return optax.apply_updates(params, updates), optimizer_state, fitness

    optimizer_state = optimizer.init(params)
    for generation in range(generations):
        params, optimizer_state, fitness = evolve(params, optimizer_state, generation)
        print(f"generation {generation:3}  mean fitness {np.mean(fitness):6.1f}  best {np.max(fitness):6.1f}")

    start = jax.random.uniform(test_key, (128, 4), minval=-0.05, maxval=0.05)
    noise = jax.vmap(lambda pair: draw_noise(noise_key, 0, pair, rank))(jnp.arange(128))
    returns = play(params, noise, jnp.zeros(128), start)  # sigma = 0: the mean of the population
    print(f"mean return of the evolved parameters in 128 episodes: {np.mean(returns):.1f} of {STEPS}")


if __name__ == "__main__":
    tyro.cli(main)
