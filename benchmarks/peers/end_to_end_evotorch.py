"""EvoTorch under `benchmarks.peers.end_to_end`: PGPE over Ray actors; needs evotorch, gymnasium and ray, not ours.

python -m benchmarks.peers.end_to_end_evotorch SETTINGS    # JSON, see benchmarks.peers.end_to_end_run
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import ray
import torch  # pyright: ignore[reportMissingImports]
from evotorch import SolutionBatch  # pyright: ignore[reportMissingImports]
from evotorch.algorithms.functional import pgpe, pgpe_ask, pgpe_tell  # pyright: ignore[reportMissingImports]
from evotorch.neuroevolution import VecGymNE  # pyright: ignore[reportMissingImports]
from evotorch.neuroevolution.net.layers import Apply  # pyright: ignore[reportMissingImports]

from benchmarks.peers.end_to_end_run import CLIPUP_STEP, Settings, main


class EvoTorch:
    """PGPE with ClipUp and centred ranks, its defaults. Implements `end_to_end_run.Learner`.

    Its functional form, of which EvoTorch's documentation has an example with such a problem, ends a generation with
    the update; a step of the class `PGPE` updates by the population of the step before, and would look a generation
    slower than it is.

    `VecGymNE`, which calls the policies of all environments of an actor at once, is the faster of EvoTorch's two
    problems of Gymnasium. Its episodes draw from the system's entropy: nothing seeds them.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        ray.init(num_cpus=settings.workers, include_dashboard=False, configure_logging=False, log_to_driver=False)
        torch.manual_seed(settings.seed)  # a seed of the problem's own is what its actors cannot take (0.6.1)
        name = settings.env.removeprefix("gym/")
        self._envs = [gymnasium.make(name) for _ in range(max(settings.test_episodes, 1))]
        network = _network(self._envs[0], settings.hidden)
        self._start = torch.nn.utils.parameters_to_vector(network.parameters()).detach().clone()
        self._problem = VecGymNE(name, network, num_actors=settings.workers)
        self.rewind()

    def advance(self) -> None:
        population = pgpe_ask(self._state, popsize=self._settings.population_size)
        batch = SolutionBatch(self._problem, len(population), empty=True)
        batch.set_values(population)
        self._problem.evaluate(batch)
        self._state = pgpe_tell(self._state, population, batch.evals[:, 0].clone())  # they are read-only

    def rewind(self) -> None:
        speed = CLIPUP_STEP * self._settings.learning_rate * math.sqrt(len(self._start))
        self._state = pgpe(
            center_init=self._start,
            center_learning_rate=speed / 2,  # its default speed is twice that
            stdev_learning_rate=0.1,
            objective_sense="max",
            stdev_init=self._settings.sigma,
        )

    def test(self, episodes: int, stream: int) -> Sequence[float]:
        policy = self._problem.to_policy(self._state.optimizer_state.center)
        discrete = isinstance(self._envs[0].action_space, gymnasium.spaces.Discrete)
        seeds = np.random.SeedSequence([self._settings.seed, stream]).generate_state(episodes).tolist()
        envs = self._envs[:episodes]
        shown = [env.reset(seed=seed)[0] for env, seed in zip(envs, seeds, strict=True)]
        returns, alive = [0.0] * episodes, list(range(episodes))
        while alive:
            with torch.no_grad():
                outputs = policy(torch.as_tensor(np.stack([shown[place] for place in alive]))).numpy()
            actions = outputs.argmax(axis=1) if discrete else outputs
            on = []
            for place, action in zip(alive, actions, strict=True):
                shown[place], reward, terminated, truncated, _ = envs[place].step(action)
                returns[place] += float(reward)
                if not (terminated or truncated):
                    on.append(place)
            alive = on
        return returns

    def close(self) -> None:
        ray.shutdown()


def _network(env: gymnasium.Env, hidden: Sequence[int]) -> torch.nn.Module:
    """A network with tanh, weights N(0, 1 / fan_in), biases zero; continuous actions are brought into their bounds."""
    space: Any = env.action_space
    shown: Any = env.observation_space
    discrete = isinstance(space, gymnasium.spaces.Discrete)
    outputs = int(space.n) if discrete else space.shape[0]
    layers: list[torch.nn.Module] = []
    for inputs, width in itertools.pairwise((shown.shape[0], *hidden, outputs)):
        linear = torch.nn.Linear(inputs, width)
        torch.nn.init.normal_(linear.weight, std=inputs**-0.5)
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*(layers[:-1] if discrete else [*layers, Apply("*", float(space.high[0]))]))


if __name__ == "__main__":
    main(EvoTorch, "evotorch", "torch", "gymnasium", "ray")
