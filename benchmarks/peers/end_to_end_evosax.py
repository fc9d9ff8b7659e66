"""evosax under `benchmarks.peers.end_to_end`: Open_ES with its own problem classes; needs evosax, gymnax, brax.

python -m benchmarks.peers.end_to_end_evosax SETTINGS    # JSON, see benchmarks.peers.end_to_end_run
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from evosax.algorithms import Open_ES  # pyright: ignore[reportMissingImports]
from evosax.problems import MLP, BraxProblem, GymnaxProblem, tanh_output_fn  # pyright: ignore[reportMissingImports]

from benchmarks.peers.end_to_end_run import Settings, main


class Evosax:
    """OpenAI-ES with Adam and centred ranks, a generation one compiled program. Implements `end_to_end_run.Learner`.

    Twins are antithetic, and all members play the same episodes, as in evosax's examples.
    """

    def __init__(self, settings: Settings):
        self._seed = settings.seed
        problem = _problem(settings)
        key = jax.random.key(settings.seed)
        solution = problem.sample(key)
        algorithm = Open_ES(
            population_size=settings.population_size,
            solution=solution,
            optimizer=optax.adam(settings.learning_rate),
            std_schedule=optax.constant_schedule(settings.sigma),
        )
        params, problem_state = algorithm.default_params, problem.init(key)
        self._start = algorithm.init(key, solution, params)

        @jax.jit
        def generation(state: Any, key: jax.Array) -> Any:
            ask_key, eval_key, tell_key = jax.random.split(key, 3)
            population, state = algorithm.ask(ask_key, state, params)
            # The states of all environments, which it returns as well, are not used and so not kept.
            returns, _, _ = problem.eval(eval_key, population, problem_state)
            state, _ = algorithm.tell(tell_key, population, -returns, state, params)  # it minimises
            return state

        @jax.jit
        def test(state: Any, key: jax.Array) -> jax.Array:
            keys = jax.random.split(key, settings.test_episodes)
            alone = jax.tree.map(lambda x: x[None], algorithm.get_mean(state))
            return jax.vmap(lambda key: problem.eval(key, alone, problem_state)[0][0])(keys)

        self._generation, self._test = generation, test
        self.rewind()

    def advance(self) -> None:
        key = jax.random.fold_in(jax.random.key(self._seed), self._number)
        self._state = jax.block_until_ready(self._generation(self._state, key))
        self._number += 1

    def rewind(self) -> None:
        self._state, self._number = self._start, 0

    def test(self, episodes: int, stream: int) -> Sequence[float]:
        key = jax.random.fold_in(jax.random.key(self._seed + 1), stream)
        return self._test(self._state, key).tolist()

    def close(self) -> None:
        pass


def _problem(settings: Settings) -> Any:
    """An environment and the network, with the action that is most likely, or brought into its bounds by tanh."""
    suite, name = settings.env.split("/")
    if suite == "brax":
        import brax.envs

        policy = MLP((*settings.hidden, brax.envs.get_environment(name).action_size), output_fn=tanh_output_fn)
        options = {"backend": "generalized"}  # brax's own default
        return BraxProblem(name, policy, settings.max_steps, use_normalize_obs=False, env_kwargs=options)
    import gymnax

    env, params = gymnax.make(name)
    space = env.action_space(params)

    def act(outputs: jax.Array, key: jax.Array | None = None) -> jax.Array:
        del key
        return jnp.argmax(outputs) if hasattr(space, "n") else space.high * jnp.tanh(outputs)

    policy = MLP((*settings.hidden, env.num_actions), output_fn=act)
    return GymnaxProblem(name, policy, settings.max_steps, use_normalize_obs=False)


if __name__ == "__main__":
    main(Evosax, "evosax", "gymnax", "brax", "jax")
