"""The plan of a run: the numbers on which all its workers agree, such as population, block size and seed."""

import dataclasses

import numpy as np

from eggroll_ray.es.numbers import whole

_DEFAULT_BLOCK = 256
# Block sizes for larger models, whose noise would not stay in the caches otherwise. Smaller blocks than these lose more
# by the number of calls than they save in memory traffic.
_CACHED_BLOCKS = (128, 64)
_CACHE_BYTES = 2 << 20  # most bytes of noise in a block: about what a core's caches keep between two time steps
# A population is split into at least `_SHARED_BLOCKS` blocks, so that several workers or cores have work, as long as
# blocks have `_SMALLEST_SHARED_BLOCK` members. Small blocks are slower: the time per member, compared with blocks of
# 256, is 6% longer with blocks of 128, 20% with 64 and 45% with 32.
_SHARED_BLOCKS = 4
_SMALLEST_SHARED_BLOCK = 64
_SMALLEST_DEFAULT_BLOCK = 32  # smallest default for a population with several blocks, as smaller ones are too slow


@dataclasses.dataclass(frozen=True)
class Plan:
    """The numbers on which all workers of a run agree."""

    population_size: int  # number of members, even
    block_size: int  # members per block; even, and divides the population size
    seed: int
    test_episodes: int  # episodes in a test of the mean parameters
    groups: int = 1  # groups of parameters, each with a fitness of its own
    signs_only: bool = False  # whether only the sign of each pair's fitness difference is sent and logged

    @property
    def blocks(self) -> int:
        return self.population_size // self.block_size

    @property
    def block_results(self) -> int:
        """Number of fitness values that the evaluation of one block returns."""
        return self.block_size * self.groups

    def with_block_size(self, block_size: int) -> "Plan":
        """Checks another block size and returns the plan with it; see `make_plan`."""
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
    """Checks the numbers of a run and fills in the block size.

    Args:
      population_size: number of members, even.
      block_size: members of a block, an even divisor of the population size. None means the largest such divisor up to
        256. The limit is 128 or 64 instead if a larger block had more than 2 MB of noise, or if there were fewer than
        four blocks. The choice depends on the model and the population alone, never on the machine or the workers.
      seed: seed of all random numbers, in [0, 2**32).
      test_episodes: episodes in a test of the mean parameters.
      groups: number of groups of parameters that have a fitness of their own.
      member_bytes: bytes of noise that a member holds.
      signs_only: whether the shaping uses only the sign of each pair's difference; see `ES.signs_only`.

    Raises:
      ValueError: for a number that is not whole, for an odd or empty population, for a block size that does not divide
        it, or for a seed out of range.
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
    """Returns the default block size, which depends on the model and the population alone; see `make_plan`.

    Raises:
      ValueError: for a population that no suitable block size divides.
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
    """Returns the largest even divisor, at most `most`, of an even population size."""
    return max(size for size in range(2, min(population_size, most) + 1, 2) if population_size % size == 0)


def check_blocks(population_size: int, block_size: int) -> None:
    """Raises ValueError if a block size is not an even divisor of the population size."""
    if block_size < 2 or block_size % 2 or population_size % block_size:
        raise ValueError(
            f"population_size={population_size} is no multiple of block_size={block_size}, or the block is "
            "odd; choose an even divisor of the population size."
        )
