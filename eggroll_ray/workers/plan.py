"""What all workers of a run agree on, checked and completed."""

import dataclasses

import numpy as np

from eggroll_ray.es.numbers import whole

_DEFAULT_BLOCK = 256
_CACHED_BLOCKS = (128, 64)  # of larger models; still smaller ones cost more in calls than they save in memory traffic
_CACHE_BYTES = 2 << 20  # of a block's noise, about what a core's caches hold from one time step to the next
_SHARED_BLOCKS = 4  # of a population, where they have so many members, so that several workers, or cores, have work:
_SMALLEST_SHARED_BLOCK = 64  # a block of 128 takes 6% longer for a member than one of 256, of 64 20%, of 32 45%
_SMALLEST_DEFAULT_BLOCK = 32  # of a population that has several blocks; smaller ones waste the machine


@dataclasses.dataclass(frozen=True)
class Plan:
    """What all workers of a run agree on."""

    population_size: int  # members, even
    block_size: int  # members, even, a divisor of the population size
    seed: int
    test_episodes: int  # of the mean parameters
    groups: int = 1  # of parameters, each with a fitness of its own
    signs_only: bool = False  # a pair's result travels and is logged as the sign of its better twin

    @property
    def blocks(self) -> int:
        return self.population_size // self.block_size

    @property
    def block_results(self) -> int:
        """Numbers that the evaluation of one block gives."""
        return self.block_size * self.groups

    def with_block_size(self, block_size: int) -> "Plan":
        """Returns the plan with blocks of another size, which is checked; see `make_plan`."""
        block_size = whole("block_size", block_size)
        check_blocks(self.population_size, block_size)
        return dataclasses.replace(self, block_size=block_size)

    def members(self, block: int) -> np.ndarray:
        """Returns the member numbers of a block, int32."""
        return np.arange(block * self.block_size, (block + 1) * self.block_size, dtype=np.int32)


def make_plan(
    population_size: int,
    block_size: int | None,
    seed: int,
    test_episodes: int,
    groups: int = 1,
    member_bytes: int = 0,
    signs_only: bool = False,
) -> Plan:
    """Checks and completes what all workers agree on.

    Args:
      population_size: members, even.
      block_size: members of a block, an even divisor of the population size; None: the largest up to 256, or up to
        128 or 64 where so many have more than 2 MB of noise or where there would be less than four blocks. It goes by
        the model and the population alone, never by the machine or the number of workers.
      seed: of everything random.
      test_episodes: of a test of the mean parameters.
      groups: of parameters with a fitness of their own.
      member_bytes: of the noise that a member holds.
      signs_only: what the shaping says of itself.

    Raises:
      ValueError: for what is no whole number, an odd or empty population, or blocks that do not divide it.
    """
    population_size, seed = whole("population_size", population_size), whole("seed", seed)
    test_episodes = whole("test_episodes", test_episodes)
    if population_size < 2 or population_size % 2:
        raise ValueError(
            f"population_size={population_size} must be even and at least 2, since members come in antithetic "
            f"pairs; choose {max(2, population_size + population_size % 2)}."
        )
    if block_size is None:
        block_size = default_block_size(population_size, member_bytes)
    block_size = whole("block_size", block_size)
    check_blocks(population_size, block_size)
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed} must be in [0, 2**32); choose a smaller one.")
    return Plan(population_size, block_size, seed, test_episodes, groups, signs_only)


def default_block_size(population_size: int, member_bytes: int) -> int:
    """Returns the block size that goes by the model and the population alone; see `make_plan`.

    Raises:
      ValueError: for a population that no such number divides.
    """
    sizes = (_DEFAULT_BLOCK, *_CACHED_BLOCKS)
    fits = next((size for size in sizes if size * member_bytes <= _CACHE_BYTES), sizes[-1])
    shared = min(fits, max(_SMALLEST_SHARED_BLOCK, population_size // _SHARED_BLOCKS))
    found = _largest_divisor(population_size, shared)
    if found < min(_SMALLEST_DEFAULT_BLOCK, population_size):
        found = _largest_divisor(population_size, fits)
    if found < min(_SMALLEST_DEFAULT_BLOCK, population_size):
        near = fits * max(1, round(population_size / fits))
        raise ValueError(
            f"population_size={population_size} has no even divisor from {_SMALLEST_DEFAULT_BLOCK} to {fits} to make "
            f"blocks of; choose {near}, or set block_size yourself."
        )
    return found


def _largest_divisor(population_size: int, most: int) -> int:
    """Returns the largest even divisor of a population size, which is even, up to some number."""
    return max(size for size in range(2, min(population_size, most) + 1, 2) if population_size % size == 0)


def check_blocks(population_size: int, block_size: int) -> None:
    """Raises ValueError where a block size is no even divisor of the population size."""
    if block_size < 2 or block_size % 2 or population_size % block_size:
        raise ValueError(
            f"population_size={population_size} is no multiple of block_size={block_size}, or the block is "
            "odd; choose an even divisor of the population size."
        )
