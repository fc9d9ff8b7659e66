"""Starting the workers of a run: in this process, or on Ray."""

from collections.abc import Callable

from eggroll_ray.compiling.phases import RAY, phase
from eggroll_ray.compiling.threads import cores
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.workers.options import Workers
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.pool import LocalPool, Pool
from eggroll_ray.workers.worker import Worker


def start_pool(
    strategy: ES, evaluator: Evaluator, plan: Plan, workers: Workers, on_event: Callable[..., object]
) -> Pool:
    """Starts the workers of a run at the initial state.

    Args:
      strategy: the rules of the update.
      evaluator: what is optimised.
      plan: what all workers of the run agree on.
      workers: who they are.
      on_event: is told what happens to them: name, detail, worker.

    Raises:
      WorkerError: when there are too few of them.
    """
    if workers.count == 0:
        return LocalPool(Worker(strategy, evaluator, plan, threads=cores()), plan)
    with phase(RAY):
        from eggroll_ray.workers.ray.backend import ray_coordinator  # Ray is imported only where it is used

        return ray_coordinator(strategy, evaluator, plan, workers, on_event)
