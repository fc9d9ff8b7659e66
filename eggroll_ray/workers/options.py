"""The options of users: how many workers, with what, and how long to wait for them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from eggroll_ray.es.numbers import make_plain

# Called with each event: its name, details, and the worker's name, or None if the event concerns all workers.
OnEvent = Callable[[str, str, str | None], object]


@dataclasses.dataclass(frozen=True)
class Workers:
    """How many workers evaluate, what each of them has, and how long to wait for them.

    Attributes:
      count: number of workers, each a Ray actor; 0 evaluates in this process, without Ray. "auto" follows the size of
        the cluster while the run goes on: one worker per GPU if there are GPUs, otherwise one per `cpus` cores.
      cpus: cores of each worker, which also limit its threads; may be a fraction.
      gpus: GPUs of each worker. None means 1 with "auto" on a cluster that has GPUs, otherwise 0.
      address: address of a Ray cluster. None means the one in `RAY_ADDRESS`, or else a new Ray on this machine alone.
      min_workers: least number of workers with which a run starts; fewer are an error.
      max_workers: largest number of workers that "auto" starts. A cluster with an autoscaler is asked for room for
        this many.
      nodes: least number of machines that the cluster must have at the start; fewer are an error.
      start_seconds: how long workers may take to start. When half of them (and at least `min_workers`) are ready, the
        run waits only as long again as these took (at least 10 s), and begins. Workers that are ready later join then.
      wait_seconds: how long to wait for a cluster that is too small. None means 20 s at the start, and 300 s when all
        workers are lost during a run (at least `start_seconds` if the cluster has room for workers).
      compare: share of the blocks that two workers evaluate and whose results must be the same bits, from 0 to 1. The
        first results of every worker are compared as well. Nothing is compared with 0, with one worker, or with
        `resync_every`.
      resync_every: number of generations after which all workers copy the parameters of one of them. This admits
        workers on different devices or versions; the bits of the result then depend on who evaluates what.
      runtime_env: Ray's runtime environment of the workers. It takes precedence over the default one.
    """

    count: int | str = "auto"
    cpus: float = 1.0
    gpus: float | None = None
    address: str | None = None
    min_workers: int = 1
    max_workers: int | None = None
    nodes: int | None = None
    start_seconds: float = 120.0
    wait_seconds: float | None = None
    compare: float = 0.01
    resync_every: int | None = None
    runtime_env: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        make_plain(self)
        if self.count != "auto" and not (isinstance(self.count, int) and self.count >= 0):
            raise ValueError(f"workers={self.count!r} must be 'auto' or a number of at least 0 (0: in process).")
        if not self.cpus > 0:
            raise ValueError(f"cpus={self.cpus} per worker must be positive, such as 1 or 0.5.")
        if self.min_workers < 1 or (self.max_workers is not None and self.max_workers < self.min_workers):
            raise ValueError(
                f"min_workers={self.min_workers} must be at least 1, and max_workers={self.max_workers} not below it."
            )
        if isinstance(self.count, int) and 0 < self.count < self.min_workers:
            raise ValueError(f"min_workers={self.min_workers} is above workers={self.count}; ask for more workers.")
        if self.max_workers is not None and self.count != "auto":
            raise ValueError(f"max_workers={self.max_workers} limits workers='auto', not workers={self.count}.")
        for name in ("nodes", "resync_every"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1, or None.")
        if not 0 <= self.compare <= 1:
            raise ValueError(f"compare={self.compare} must be a share of the blocks, from 0 to 1.")
        if self.start_seconds <= 0 or (self.wait_seconds is not None and self.wait_seconds < 0):
            raise ValueError(
                f"start_seconds={self.start_seconds} must be positive, wait_seconds={self.wait_seconds} not negative."
            )
