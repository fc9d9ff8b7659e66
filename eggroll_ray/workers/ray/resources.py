"""The resources of a Ray cluster, and how many workers they are enough for."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
import ray

from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.options import Workers


def outcome_bytes(outcome: Outcome) -> int:
    """Returns the bytes of an outcome when it is sent, moments included."""
    return outcome.nbytes + sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(outcome.moments))


def find_places() -> Sequence[Mapping[str, float]]:
    """Returns the resources of each machine. In a trial of Ray Tune: those of each bundle of the trial for workers."""
    group = ray.util.get_current_placement_group()
    if group is None:
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return group.bundle_specs[1:]  # the first is this process


def _total(places: Sequence[Mapping[str, float]], resource: str) -> float:
    return sum(place.get(resource, 0.0) for place in places)


def gpus_of_each(workers: Workers, places: Sequence[Mapping[str, float]]) -> float:
    """Returns the GPUs of each worker. Unless they are given, that is one with "auto" if the cluster has GPUs."""
    if workers.gpus is not None:
        return workers.gpus
    most = max((place.get("GPU", 0.0) for place in places), default=0.0)  # a bundle may have a fraction of a GPU
    return min(most, 1.0) if workers.count == "auto" else 0.0


def room_for(places: Sequence[Mapping[str, float]], cpus: float, gpus: float) -> int:
    """Returns the number of workers that there is room for. The resources of a worker must be in one place."""

    def room(place: Mapping[str, float]) -> int:
        by_cpu = int(place.get("CPU", 0.0) / cpus + 1e-9)
        return min(by_cpu, int(place.get("GPU", 0.0) / gpus + 1e-9)) if gpus else by_cpu

    return sum(room(place) for place in places)


def what_is_lacking(workers: Workers, places: Sequence[Mapping[str, float]], gpus: float) -> str | None:
    """Returns what the cluster lacks, in words; None if it lacks nothing."""
    wanted = workers.min_workers if workers.count == "auto" else int(workers.count)
    if (room := room_for(places, workers.cpus, gpus)) < wanted:
        return (
            f"asked for {wanted} workers with {workers.cpus:g} CPUs and {gpus:g} GPUs each, but the cluster has "
            f"{_total(places, 'CPU'):g} CPUs and {_total(places, 'GPU'):g} GPUs on {len(places)} machines, which is "
            f"enough for {room}. Ask for fewer workers, for workers='auto', or for less of each (Workers(cpus=0.5)). "
            "If the cluster is still growing, raise wait_seconds."
        )
    if workers.nodes is not None and len(places) < workers.nodes:
        return (
            f"asked for {workers.nodes} machines, but the cluster has {len(places)}: some did not join. See what "
            "`ray start` printed on them, and `ray status`."
        )
    return None
