"""What a Ray cluster has, and how many workers there is room for."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
import ray

from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.options import Workers


def outcome_bytes(outcome: Outcome) -> int:
    """Returns the bytes of an outcome as it travels, moments included."""
    return outcome.nbytes + sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(outcome.moments))


def find_places() -> Sequence[Mapping[str, float]]:
    """Resources of each machine, or of each bundle for workers where this process is a trial of Ray Tune."""
    group = ray.util.get_current_placement_group()
    if group is None:
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return group.bundle_specs[1:]  # the first is this process


def _total(places: Sequence[Mapping[str, float]], resource: str) -> float:
    return sum(place.get(resource, 0.0) for place in places)


def gpus_of_each(workers: Workers, places: Sequence[Mapping[str, float]]) -> float:
    """Returns the GPUs of each worker: as asked, or one where the cluster has GPUs and follows it by itself."""
    if workers.gpus is not None:
        return workers.gpus
    most = max((place.get("GPU", 0.0) for place in places), default=0.0)  # a bundle may have a part of one
    return min(most, 1.0) if workers.count == "auto" else 0.0


def room_for(places: Sequence[Mapping[str, float]], cpus: float, gpus: float) -> int:
    """Number of workers that there is room for; a worker needs its room in one place."""

    def room(place: Mapping[str, float]) -> int:
        by_cpu = int(place.get("CPU", 0.0) / cpus + 1e-9)
        return min(by_cpu, int(place.get("GPU", 0.0) / gpus + 1e-9)) if gpus else by_cpu

    return sum(room(place) for place in places)


def what_is_lacking(workers: Workers, places: Sequence[Mapping[str, float]], gpus: float) -> str | None:
    """Says what the cluster lacks, None if nothing."""
    wanted = workers.min_workers if workers.count == "auto" else int(workers.count)
    if (room := room_for(places, workers.cpus, gpus)) < wanted:
        return (
            f"asked for {wanted} workers with {workers.cpus:g} CPUs and {gpus:g} GPUs each, but the cluster has "
            f"{_total(places, 'CPU'):g} CPUs and {_total(places, 'GPU'):g} GPUs on {len(places)} machines, room for "
            f"{room}; ask for fewer workers, for workers='auto', for less each (Workers(cpus=0.5)), or give a cluster "
            "that grows more time (wait_seconds)."
        )
    if workers.nodes is not None and len(places) < workers.nodes:
        return (
            f"asked for {workers.nodes} machines, but the cluster has {len(places)}: some did not join. See what "
            "`ray start` printed on them, and `ray status`."
        )
    return None
