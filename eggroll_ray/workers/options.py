"""The options of users: how many workers, with what, and how long to wait for them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from eggroll_ray.es.numbers import make_plain

# Is told what happens to workers: name of the event, detail, worker (None: all of them together).
OnEvent = Callable[[str, str, str | None], object]


@dataclasses.dataclass(frozen=True)
class Workers:
    """Who evaluates: no worker is this process; more are Ray actors.

    Attributes:
      count: number of workers; "auto" follows the cluster, up and down: one per GPU if there are GPUs, one per
        `cpus` cores otherwise.
      cpus: cores of each worker, whose threads are limited to them; may be a fraction.
      gpus: GPUs of each worker; None: 1 with "auto" on a cluster that has GPUs, 0 otherwise.
      address: of a Ray cluster; None: the one of `RAY_ADDRESS`, or a new one on this machine alone.
      min_workers: fewer than these at the start are an error.
      max_workers: the most that "auto" takes; a cluster that scales by itself is asked for room for so many.
      nodes: machines that the cluster must have at the start; fewer are an error.
      start_seconds: how long workers may take to start. A run begins sooner without the last ones, once half of them
        (and `min_workers`) are ready and as long again has passed; those join later.
      wait_seconds: how long to wait for a cluster that has too little; None: 20 s at the start, and 300 s when all
        workers are lost in the middle of a run (`start_seconds` at least, where the cluster has room for them).
      compare: share of the blocks that two workers evaluate, whose results must be the same bits. The first results of
        every worker are compared as well. 0: none is; nor is any with one worker, or with `resync_every`.
      resync_every: generations after which all workers take over the parameters of one of them. With it workers on
        different devices or versions are let in, and the bits then depend on who evaluates what.
      runtime_env: runtime environment of the workers (Ray's), over the one that they get by default.
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
