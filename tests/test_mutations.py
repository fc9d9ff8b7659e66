"""Shown once by mutation: each known fault of the field, put into a copy of the package, fails a test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eggroll_ray

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TESTS = Path(__file__).parent
EGGROLL, NOISE = "es/eggroll.py", "es/noise.py"
SUM = "tests/es/test_eggroll.py::test_update_is_the_explicit_sum_over_members"
SLOPE = "tests/es/test_eggroll.py::test_estimate_of_a_linear_fitness_is_its_slope"
ENTRIES = "tests/es/test_eggroll.py::test_entries_of_the_perturbation_have_variance_sigma_squared"
INDEPENDENT = "tests/es/test_eggroll.py::test_leaves_pairs_generations_and_seeds_have_independent_noise"
REUSE = "tests/es/test_eggroll.py::test_noise_is_drawn_anew_every_noise_reuse_generations"
SCHEDULES = "tests/es/test_eggroll.py::test_schedules_take_the_value_of_their_generation"
LOST = "tests/es/test_eggroll.py::test_a_lost_member_and_its_twin_are_as_if_they_had_never_been"
FROZEN = "tests/es/test_eggroll.py::test_frozen_leaves_have_no_noise_no_update_no_state_and_no_decay"
STACKED = "tests/es/test_eggroll.py::test_the_kinds_of_leaves_are_perturbed_as_they_are_labelled"
PERSISTENT = "tests/rl/test_windows.py::test_the_persistent_estimate_sums_the_noise_since_the_episode_began[eggroll]"
BLOCKS = "tests/rl/test_windows.py::test_whoever_evaluates_a_block_gives_the_same_bits"
SEATS = "tests/rl/test_self_play.py::test_members_and_opponents_have_the_seats_they_should"
POOL = "tests/rl/test_self_play.py::test_opponents_are_rebuilt_from_the_log_when_a_run_is_resumed[7]"
GROUPS = "tests/rl/test_agents.py::test_every_group_finds_its_own_best_action[centred_rank]"
WIRE = "tests/rl/test_agents.py::test_twins_are_neighbours_on_the_wire_and_come_back[2]"
HOST = "tests/rl/test_host_rollout.py::test_the_fitness_is_the_mean_return_of_the_members_own_policy[3]"
STEERING = "tests/es/test_steering.py"
MINIBATCH = "tests/evaluators/test_minibatch.py"
ASK_TELL = "tests/test_ask_tell.py::test_it_has_the_bits_of_a_trainer"
BEST = "tests/runs/test_best.py::test_the_best_are_the_parameters_of_the_best_row"
WARM = "tests/runs/test_warm_start.py::test_the_normaliser_of_a_run_folder_comes_along"
KEPT = "tests/runs/test_warm_start.py::test_a_kept_optimiser_takes_the_rate_of_the_new_run"
EXPORTED = "tests/exporting/test_function.py::test_it_acts_as_the_policy_does"
IQM = "tests/comparison/test_compare.py::test_the_interquartile_mean_is_that_of_rliable"
TWINS = "tests/es/test_shaping.py::test_a_member_without_fitness_takes_its_twin_with_it"

# name: (tests of which one must fail, then (file, text, what takes its place), ...)
MUTATIONS = {
    "the update descends": ([f"{SUM}[1-normal]"], (EGGROLL, "jax.tree.map(jnp.negative, gradient)", "gradient")),
    "no 1 / sqrt(rank)": (
        [f"{ENTRIES}[4-normal]"],
        (NOISE, "law.number(both[..., :rows]) * (1.0 / math.sqrt(rank))", "law.number(both[..., :rows])"),
    ),
    "1 / rank": ([f"{SLOPE}[4-normal]"], (NOISE, "(1.0 / math.sqrt(rank))", "(1.0 / rank)")),
    "no 1 / sigma": (
        [f"{SUM}[1-normal]"],
        (EGGROLL, "scale = 1.0 / (members * sigma)", "scale = 1.0 / members"),
    ),
    "no 1 / n": ([f"{SUM}[1-normal]"], (EGGROLL, "scale = 1.0 / (members * sigma)", "scale = 1.0 / sigma")),
    "the sigma of the next generation": (
        [SCHEDULES],
        (
            EGGROLL,
            "scale = 1.0 / (members * sigma)",
            "scale = 1.0 / (members * _sigma(options, state.generation + 1))",
        ),
    ),
    "lost members count": (
        [f"{LOST}[raw]"],
        (EGGROLL, "jnp.sum(shaped.valid, dtype=jnp.float32)", "jnp.float32(fitness.shape[0])"),
    ),
    "twins of one sign": (
        [f"{SUM}[1-normal]"],
        ("es/record.py", "jnp.where(member % 2 == 0, 1.0, -1.0)", "jnp.where(member % 2 == 0, 1.0, 1.0)"),
    ),
    "a member's sign is lost": (
        [f"{SUM}[1-normal]"],
        ("lowrank/parameter.py", "term if low.sign is None else term * low.sign.astype(term.dtype)", "term"),
    ),
    "twins are added": (
        [f"{SUM}[1-normal]"],
        (EGGROLL, "shaped.weights[0::2] - shaped.weights[1::2]", "shaped.weights[0::2] + shaped.weights[1::2]"),
    ),
    "the leaf is not in the key": ([INDEPENDENT], (NOISE, 'f"leaf:{path}"', '"leaf"')),
    "the seed is not in the key": ([INDEPENDENT], ("es/random.py", "jnp.asarray(seed, jnp.uint32)", "jnp.uint32(0)")),
    "the pair is not in the key": (
        [INDEPENDENT],
        (
            EGGROLL,
            "jax.vmap(noise.pair_key, (0, None))(_keys(options, leaves, state), pair)",
            "_keys(options, leaves, state)",
        ),
        (
            NOISE,
            "jax.vmap(pair_key, (None, 0))(key, chunk_indices)",
            "jax.vmap(lambda i: key)(chunk_indices)",
        ),
    ),
    "the pair is not in the key of the members": (
        [f"{SUM}[1-normal]"],
        (
            EGGROLL,
            "jax.vmap(noise.pair_key, (0, None))(_keys(options, leaves, state), pair)",
            "_keys(options, leaves, state)",
        ),
    ),
    "the generation is not in the key": (
        [f"{REUSE}[1]"],
        (EGGROLL, "state.generation // options.noise_reuse", "0 * state.generation"),
    ),
    "noise is not reused": (
        [f"{REUSE}[3]"],
        (EGGROLL, "state.generation // options.noise_reuse", "state.generation"),
    ),
    "the law is not used": (
        [f"{ENTRIES}[1-rademacher]"],
        (
            NOISE,
            "law.bits(key, (*lead, rank, rows + columns))",
            "normal.bits(key, (*lead, rank, rows + columns))",
        ),
    ),
    "the transpose exchanges the factors": (
        [f"{SUM}[2-normal]"],
        (NOISE, '"...pm,...pk->...mk"', '"...pk,...pm->...mk"'),
    ),
    "the transpose mixes the ranks": (
        [f"{SUM}[2-normal]"],
        (NOISE, "b.astype(jnp.float32)))", "jnp.flip(b, -2).astype(jnp.float32)))"),
    ),
    "stacked layers share their noise": (
        [STACKED],
        (
            NOISE,
            "law.bits(key, (*lead, rank, rows + columns))",
            "jnp.broadcast_to(law.bits(key, (rank, rows + columns)), (*lead, rank, rows + columns))",
        ),
    ),
    "frozen leaves decay": (
        [FROZEN],
        (EGGROLL, "None if leaf.kind is Kind.FROZEN else array", "array"),
        (EGGROLL, "None if total is None else", "jnp.zeros(leaf.shape) if total is None else"),
    ),
    "the noise of earlier windows is forgotten": (
        [PERSISTENT],
        (EGGROLL, "1 + state.generation % options.persistent", "1 + 0 * state.generation"),
    ),
    "the noise of earlier windows is in units of today's sigma": (
        [PERSISTENT],
        (EGGROLL, "total + scale * drawn", "total + drawn"),
    ),
    "the noise of earlier windows counts by its sigma": (
        [PERSISTENT],
        (EGGROLL, "total + scale * drawn", "total + drawn / scale"),
    ),
    "the noise of earlier windows counts against the member": (
        [PERSISTENT],
        (EGGROLL, "total + scale * drawn", "total - scale * drawn"),
    ),
    "episodes that another worker had begin anew": (
        [BLOCKS],
        ("rl/windows.py", "for then in range(first, number):", "for then in range(number, number):"),
    ),
    "episodes that another worker had are played by today's mean": (
        [BLOCKS],
        ("rl/windows.py", "state._replace(params=past[then].params, generation", "state._replace(generation"),
    ),
    "groups go by each other's fitness": (
        [GROUPS],
        ("workers/worker.py", "dict(zip(groups, unflatten", "dict(zip(groups[::-1], unflatten"),
    ),
    "twins are apart on the wire": (
        [WIRE],
        ("workers/fitness_vector.py", ".transpose(0, 2, 1).reshape(-1)\n", ".reshape(-1)\n"),
    ),
    "the member always has the first seat": (
        [SEATS],
        ("rl/self_play.py", "seats = np.arange(episodes) % self.seats", "seats = 0 * np.arange(episodes)"),
    ),
    "a resumed run does not rebuild its opponents": (
        [POOL],
        (
            "replay.py",
            "first = generation if keeps is None else min(keeps(generation), default=generation)",
            "first = generation",
        ),
    ),
    "all episodes on the host have one seed": (
        [HOST],
        (
            "rl/host_rollout.py",
            "normal.bits(key, ()))(first)",
            "normal.bits(first[0], ()))(first)",
        ),
    ),
    "the factor on the learning rate is lost": (
        [STEERING],
        ("es/precision.py", "(u * scales.learning_rate).astype(u.dtype)", "u"),
    ),
    "the factor on sigma is in the noise alone": (
        [STEERING],
        (EGGROLL, "scale = 1.0 / (members * sigma)", "scale = 1.0 / (members * options.sigma)"),
    ),
    "a change of sigma is in the update of the population before it": (
        [STEERING],
        (
            "es/steering.py",
            'return _with_factor(state, "learning_rate", changed.get(LEARNING_RATE))',
            'return after_update(_with_factor(state, "learning_rate", changed.get(LEARNING_RATE)), changed)',
        ),
    ),
    "sigma changes within an episode": (
        [STEERING],
        ("es/steering.py", "if path != SIGMA or (generation + 1) % windows == 0}", "}"),
    ),
    "all generations see one minibatch": (
        [MINIBATCH],
        ("evaluators/minibatch.py", "divmod(generation, self", "divmod(0, self"),
    ),
    "all epochs have one order": (
        [MINIBATCH],
        ("evaluators/minibatch.py", '"minibatches"), epoch)', '"minibatches"), 0)'),
    ),
    "a loop of one's own descends": (
        [ASK_TELL],
        (
            "ask_tell.py",
            "self._engine.update(self._usable(values), ())",
            "self._engine.update(-self._usable(values), ())",
        ),
    ),
    "the best test is the worst": ([BEST], ("runs/best.py", "one.mean > other.mean", "one.mean < other.mean")),
    "a result is one update past its row": (
        [BEST, "tests/test_trainer.py"],
        (
            "trainer.py",
            "self._start()\n        return self._finish()",
            "self._start()\n        self._apply_pending()\n        return self._finish()",
        ),
    ),
    "a warm start forgets the statistics": (
        [WARM],
        ("runs/warm_start.py", 'statistics=held["statistics"], settings', "settings"),
    ),
    "a kept optimiser keeps its rate": (
        [KEPT],
        ("runs/warm_start.py", "hyperparameters(own.opt_state))", "hyperparameters(kept))"),
    ),
    "an export forgets the normaliser": (
        [EXPORTED],
        ("exporting/function.py", "seen = frozen(seen)", "pass"),
    ),
    "the interquartile mean is the mean": (
        [IQM],
        ("comparison/statistics.py", "cut = len(scores) // 4\n    return", "cut = 0\n    return"),
    ),
    "a lost member leaves its twin": (
        [TWINS],
        ("es/shaping.py", ".reshape(-1, 2).all(axis=1)", ".reshape(-1, 2).any(axis=1)"),
    ),
}


def copy_package(folder):
    for place in (Path(eggroll_ray.__file__).parent, TESTS):
        shutil.copytree(place, folder / place.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TESTS.parent / "pyproject.toml", folder)


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_tests(folder, tests):
    return run(folder, "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests)


def test_the_copy_is_what_is_tested_and_passes(tmp_path):
    copy_package(tmp_path)
    where = "import eggroll_ray.es.eggroll; raise SystemExit(eggroll_ray.es.eggroll.__file__)"
    (tmp_path / "where.py").write_text(where)
    assert str(tmp_path / "eggroll_ray" / "es" / "eggroll.py") in run(tmp_path, "where").stderr
    tests = sorted({test for tests, *_ in MUTATIONS.values() for test in tests})
    result = run_tests(tmp_path, tests)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_fails_a_test(name, tmp_path):
    tests, *replacements = MUTATIONS[name]
    copy_package(tmp_path)
    for file, text, other in replacements:
        path = tmp_path / "eggroll_ray" / file
        source = path.read_text()
        assert source.count(text) == 1, f"{file} has {text!r} {source.count(text)} times; mend this mutation"
        path.write_text(source.replace(text, other))
    result = run_tests(tmp_path, tests)
    assert result.returncode == 1, result.stdout  # 1 is a failed test; more is a test that did not run
    assert "1 failed" in result.stdout
