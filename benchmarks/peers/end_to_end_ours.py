"""Ours under `benchmarks.peers.end_to_end`: `er.Trainer` in this process, or with Ray workers.

python -m benchmarks.peers.end_to_end_ours SETTINGS    # JSON, see benchmarks.peers.end_to_end_run
"""

import tempfile
from collections.abc import Sequence

import jax
import optax

import eggroll_ray as er
import envs
from benchmarks.peers.end_to_end_run import CLIPUP_STEP, Settings, main


class Ours:
    """EGGROLL of rank 1 with Adam or ClipUp. Implements `end_to_end_run.Learner`.

    Each generation ends with its update, a digest and a copy of the mean parameters on the host, where `fit` alone
    would go on to the next evaluation: that counts as training.
    """

    def __init__(self, settings: Settings):
        self._seed = settings.seed
        policy, shared_by = er.mlp(settings.hidden), None if settings.common_episode else 2
        if settings.env.startswith("gym/"):
            self._evaluator = er.from_host_env(envs.make(settings.env), policy, shared_by=shared_by)
        else:
            cut = {} if settings.max_steps is None else {"episode_length": settings.max_steps}
            self._evaluator = er.from_env(envs.make(settings.env, **cut), policy, shared_by=shared_by)
        rate = settings.learning_rate
        optimizer = er.clipup(CLIPUP_STEP * rate) if settings.optimizer == "clipup" else optax.adam(rate)
        self._trainer = er.Trainer(
            self._evaluator,
            er.eggroll(rank=1, sigma=settings.sigma, optimizer=optimizer),
            population_size=settings.population_size,
            seed=settings.seed,
            workers=settings.workers,
            watch=er.Watch(every=0),
        )
        self._start = tempfile.TemporaryDirectory(prefix="eggroll-ray-")
        self._trainer.save(self._start.name)
        self._result = self._trainer.result()

    def advance(self) -> None:
        self._result = self._trainer.fit(self._result.generations + 1)
        if self._result.status == "stopped":  # the trainer has taken the signal for itself
            raise KeyboardInterrupt

    def rewind(self) -> None:
        self._trainer.restore(self._start.name)
        self._result = self._trainer.result()

    def test(self, episodes: int, stream: int) -> Sequence[float]:
        key = jax.random.fold_in(jax.random.key(self._seed), stream)
        return self._evaluator.test(self._result.params, (), key, episodes).tolist()

    def close(self) -> None:
        self._trainer.close()
        self._start.cleanup()


if __name__ == "__main__":
    main(Ours, "jax", "optax", "ray")
