"""Strict JAX for every test: no silent rank or dtype promotion, several CPU devices, programs compiled once."""

import os
import shutil
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Most of the time of these tests is compilation, often of the same program: also in Ray's workers and in examples.
# It is a cache of these tests' own, empty when they begin and shared by all processes of xdist, never that of the user:
# what passes or fails must not depend on what was compiled before.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(f"-{os.getpid()}", "eggroll-ray-tests-")
os.environ["EGGROLL_RAY_CACHE"] = "off"  # also for programs that are started without that folder
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# The way of generating code that the library's own programs have (compiling/program.py), and each program in one piece:
# small ones are compiled in half of the time. An XLA that does not know one of these says so and ends.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1")

import hypothesis
import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 2)

# The same examples in every run, and no verdict on how fast a busy machine draws them.
hypothesis.settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def without_reports_of_runs(request, monkeypatch):
    """No report when `fit` ends: to draw it takes longer than the small runs of tests, and hardly any test reads it."""
    if "with_reports" not in request.fixturenames:
        monkeypatch.setattr("eggroll_ray.report.at_end.write_report", lambda run: None)


@pytest.fixture
def with_reports():
    """For the few tests of that report."""


@pytest.fixture(scope="module")
def compile_quickly():
    """For programs that are run a few times on small arrays, where compiling is what takes the time."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def compile_fully(compile_quickly):
    """For a test of bits in a module whose other programs are compiled quickly."""
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)


def pytest_unconfigure():
    folder = os.environ["JAX_COMPILATION_CACHE_DIR"]
    if folder.endswith(f"-{os.getpid()}"):  # this very process made it: those that it starts inherit it
        shutil.rmtree(folder, ignore_errors=True)
