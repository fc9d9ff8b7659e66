"""Publishes the metrics of a run as Ray metrics, which Ray's agent on each node exports to Prometheus and Grafana."""

import importlib
from collections.abc import Mapping
from typing import Any

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.sinks.base import Guard

# Numbers that a row counts for its generation alone. They become counters, from which Prometheus computes rates.
# Key in the row -> name of the counter.
_COUNTED = {
    "steps": "env_steps",
    "episodes": "episodes",
    "invalid_members": "invalid_members",
    "failed_members": "failed_members",
    "results_skipped": "results_skipped",
    "requeued_blocks": "requeued_blocks",
    "bytes_down": "bytes_to_workers",
    "bytes_up": "bytes_from_workers",
}

# Gauges whose names get their unit. All other numbers of a row become gauges under their own keys.
_GAUGES = {
    "time": "run_seconds",
    "time_generation": "generation_seconds",
    "time_update": "update_seconds",
    "time_evaluate": "evaluate_seconds",
    "time_driver": "driver_seconds",
}

_DESCRIPTIONS = {
    "generation": "The generation evaluated last.",
    "env_steps": "Environment steps of all members.",
    "episodes": "Episodes of all members.",
    "invalid_members": "Members without a finite fitness.",
    "failed_members": "Members whose fitness function failed.",
    "results_skipped": "Results that came too late or twice.",
    "requeued_blocks": "Blocks of members that were given to another worker.",
    "bytes_to_workers": "Bytes sent to the workers.",
    "bytes_from_workers": "Bytes that the workers sent.",
    "events": "What happened to the run and its workers, by event.",
    "worker_idle_seconds": "Seconds in which a worker waited for others.",
    "run_seconds": "Seconds of training, resumed parts included.",
    "generation_seconds": "Seconds of the last generation.",
    "update_seconds": "Seconds of the slowest worker's last update.",
    "evaluate_seconds": "Seconds of the slowest worker's last evaluation.",
    "driver_seconds": "Seconds of the last generation that the driver took.",
    "fitness_mean": "Mean fitness of the last population.",
    "group_fitness_mean": "Mean fitness of one group of agents in the last population.",
    "group_mean_policy_return": "Mean return of one group of agents with unperturbed policies in fresh episodes.",
    "mean_policy_return": "Mean return of the unperturbed policy in fresh episodes.",
    "member_steps_per_second": "Environment steps a second of all members.",
    "workers": "Workers that take part.",
    "worker_failures": "Workers lost so far.",
    "idle_share": "Share of the workers' time spent waiting, 0 to 1.",
}


class RayGauges:
    """Sets Ray metrics named `eggroll_...`, with the run as a tag; a `metrics.Sink`.

    Numbers that a row counts for its generation become counters, and all other numbers become gauges. As long as the
    driver runs, Prometheus reads them as `ray_eggroll_fitness_mean{run="..."}` or `ray_eggroll_env_steps_total`, and
    those of a group of agents as `ray_eggroll_group_fitness_mean{group="...", run="..."}`.

    Args:
      run: the value of the tag `run`.

    Raises:
      ImportError: when Ray is not installed.
    """

    def __init__(self, run: str) -> None:
        self._ray = importlib.import_module("ray.util.metrics")
        self._tags = {"run": _tag(run)}
        self._metrics: dict[str, Any] = {}
        self._guard = Guard("Ray metrics")

    def __call__(self, row: Row) -> None:
        self._guard(self._count_event if "event" in row else self._set_all, row)

    def close(self) -> None:
        """Does nothing, because Ray removes the metrics when the driver ends."""

    def _count_event(self, row: Row) -> None:
        self._count("events", 1, event=row["event"])

    def _set_all(self, row: Row) -> None:
        for worker, seconds in row.get("idle_seconds", {}).items():
            self._count("worker_idle_seconds", seconds, worker=worker)
        for key, value in row.items():
            if not isinstance(value, bool | int | float):
                continue
            name, _, group = key.partition("/")
            if key in _COUNTED:
                self._count(_COUNTED[key], value)
            elif group:  # a number of one group of agents; Ray does not allow slashes in names
                self._set(f"group_{name}", float(value), group=group)
            else:
                self._set(_GAUGES.get(key, key), float(value))

    def _count(self, name: str, amount: float, **tags: str) -> None:
        counter = self._made(self._ray.Counter, name, tags)
        if amount > 0:  # Ray does not allow 0
            counter.inc(amount, tags=self._all_tags(tags))

    def _set(self, name: str, value: float, **tags: str) -> None:
        self._made(self._ray.Gauge, name, tags).set(value, tags=self._all_tags(tags))

    def _made(self, kind: type, name: str, tags: Mapping[str, str]) -> Any:
        if name not in self._metrics:
            text = _DESCRIPTIONS.get(name, f"The last row's {name}.")
            self._metrics[name] = kind(f"eggroll_{name}", description=text, tag_keys=("run", *tags))
        return self._metrics[name]

    def _all_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        return self._tags | {key: _tag(value) for key, value in tags.items()}


def _tag(text: str) -> str:
    """Replaces characters other than ASCII, which Ray does not allow."""
    return text.encode("ascii", "replace").decode()
