"""Compiled programs are kept in the user's cache folder; whatever happens to them, a run has the same bits."""

import json
import logging
import os
import stat
import subprocess
import sys
import time
import zlib
from pathlib import Path

import jax
import pytest

from eggroll_ray.cli import app
from eggroll_ray.compiling import cache as program_cache
from eggroll_ray.compiling.cache import keep_programs

DIR, SECONDS = "jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"
VARIABLES = ("EGGROLL_RAY_CACHE", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR", "XLA_FLAGS", SECONDS.upper())


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A user's cache folder, and a JAX that has been told nothing of caches."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = {name: getattr(jax.config, name) for name in (DIR, SECONDS, "jax_enable_compilation_cache")}
    jax.config.update(DIR, None)
    jax.config.update(SECONDS, 1.0)
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)


def in_use() -> str | None:
    return getattr(jax.config, DIR)


def test_the_tests_themselves_keep_no_programs_of_the_users():
    assert os.environ["EGGROLL_RAY_CACHE"] == "off"
    assert in_use() == os.environ["JAX_COMPILATION_CACHE_DIR"] and "eggroll-ray-tests-" in str(in_use())
    assert keep_programs() is None


def test_programs_are_kept_in_a_private_folder_of_the_users_cache(cache):
    folder = keep_programs()
    assert folder is not None and folder.parent == cache / "eggroll_ray" / "programs" and str(folder) == in_use()
    for made in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert getattr(jax.config, SECONDS) == 0.1
    assert keep_programs() is None and str(folder) == in_use()  # again, where it is on already


@pytest.mark.parametrize("given", [None, "", "relative"])
def test_without_a_cache_folder_it_is_in_the_home(cache, monkeypatch, given):
    monkeypatch.setenv("HOME", str(cache / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME") if given is None else monkeypatch.setenv("XDG_CACHE_HOME", given)
    folder = keep_programs()
    assert folder is not None and folder.parent == cache / "home" / ".cache" / "eggroll_ray" / "programs"


def test_the_users_settings_of_jax_stay(cache, monkeypatch):
    jax.config.update(DIR, str(cache / "own"))
    assert keep_programs() is None and in_use() == str(cache / "own")
    jax.config.update(DIR, None)
    jax.config.update("jax_enable_compilation_cache", False)
    assert keep_programs() is None and in_use() is None
    jax.config.update("jax_enable_compilation_cache", True)
    monkeypatch.setenv(SECONDS.upper(), "1.0")
    assert keep_programs() is not None and getattr(jax.config, SECONDS) == 1.0
    assert [path.name for path in cache.iterdir()] == ["eggroll_ray"]


def test_the_users_setting_names_a_folder_or_none(cache, monkeypatch):
    monkeypatch.setenv("EGGROLL_RAY_CACHE", "off")
    assert keep_programs() is None and in_use() is None
    monkeypatch.setenv("EGGROLL_RAY_CACHE", "programs")
    with pytest.raises(ValueError, match="EGGROLL_RAY_CACHE='programs' must be \"off\" or an absolute path"):
        keep_programs()
    assert app.main(["envs"]) == 2
    assert not list(cache.iterdir())
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(cache / "elsewhere"))
    assert app.main(["envs"]) == 0
    assert Path(str(in_use())).parent == cache / "elsewhere" / "programs"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_to_is_not_used(cache, caplog, mode):
    root = cache / "eggroll_ray" / "programs"
    root.mkdir(parents=True)
    root.chmod(mode)
    assert keep_programs() is None and in_use() is None
    assert f"other users may write to {root}; chmod go-w it" in caplog.text
    root.chmod(0o755)  # reading does no harm
    root.parent.chmod(mode)  # whoever may write there may put another folder in its place
    assert keep_programs() is None and in_use() is None
    assert f"other users may write to {root.parent}; chmod go-w it" in caplog.text
    root.parent.chmod(0o755)
    folder = keep_programs()
    assert folder is not None
    jax.config.update(DIR, None)
    folder.chmod(0o720)
    assert keep_programs() is None and f"other users may write to {folder}" in caplog.text


def test_a_folder_of_another_user_is_not_used(cache, caplog, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
    assert keep_programs() is None and in_use() is None
    assert (
        "eggroll_ray belongs to another user; set EGGROLL_RAY_CACHE to a folder of your own, or to off" in caplog.text
    )


def test_a_folder_that_cannot_be_written_is_no_matter_for_the_user(cache, caplog, monkeypatch):
    (cache / "eggroll_ray").write_text("a file, where the folder should be")
    with caplog.at_level(logging.INFO):
        assert keep_programs() is None and in_use() is None
        (cache / "eggroll_ray").unlink()

        def full(dir):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(program_cache.tempfile, "TemporaryFile", full)
        assert keep_programs() is None and in_use() is None
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
    assert "No space left on device" in caplog.text


CPU = "processor : 0\nmodel name : abacus\ncpu MHz : {clock}\nflags : fpu {flag}\n\nprocessor : 1\ncpu MHz : {clock}\n"


def test_machines_that_need_other_programs_have_other_folders(cache, monkeypatch, tmp_path):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(program_cache, "_PROCESSOR_FILE", file)

    def folder(threads="4", flag="avx2", clock="2400") -> str:
        file.write_text(CPU.format(clock=clock, flag=flag))
        monkeypatch.setenv("NPROC", threads)
        jax.config.update(DIR, None)
        found = keep_programs()
        assert found is not None
        return found.name

    assert folder() == folder(clock="3100")  # which changes all the time
    assert folder().startswith(f"jax-{jax.__version__}-threads-4-")
    assert len({folder(), folder(flag="avx512f"), folder(threads="16")}) == 3
    monkeypatch.setattr(program_cache, "_PROCESSOR_FILE", tmp_path / "none")  # not Linux
    assert folder() != folder(threads="16")


def entry(folder: Path, name: str, data: bytes, age: float) -> Path:
    """A program in the folder, written and used so many seconds ago."""
    path = folder / f"jit_{name}-cache"
    path.write_bytes(data)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_half_programs_go_once_a_day(cache):
    def again() -> Path:
        jax.config.update(DIR, None)
        folder = keep_programs()
        assert folder is not None
        return folder

    folder, whole = again(), zlib.compress(b"program")
    half = entry(folder, "half", whole[:-1], age=3600)
    again()
    assert half.exists()  # the day has only begun
    empty = entry(folder, "empty", b"", age=3600)
    young = entry(folder, "young", whole[:-1], age=1)  # and may be being written
    kept = [entry(folder, "whole", whole, age=3600), entry(folder, "zstandard", b"\x28\xb5\x2f\xfd", age=3600), young]
    os.utime(folder.parent / "tidied", (time.time() - 90_000,) * 2)
    again()
    assert sorted(folder.glob("*-cache")) == sorted(kept) and not half.exists() and not empty.exists()


def test_the_programs_used_longest_ago_go_first(cache, monkeypatch):
    monkeypatch.setattr(program_cache, "_MAX_BYTES", 100)
    folder = keep_programs()
    assert folder is not None
    other = folder.with_name("jax-of-last-year")
    other.mkdir()
    data = zlib.compress(b"x", 0).ljust(40, b"\0")
    old, *kept = [entry(where, str(age), data, age) for where, age in ((other, 900), (folder, 800), (folder, 700))]
    (folder.parent / "tidied").unlink()
    jax.config.update(DIR, None)
    keep_programs()
    assert not old.exists() and all(path.exists() for path in kept)


RUN = """
import collections, json, sys
import eggroll_ray as er, jax, jax.numpy as jnp, numpy as np
events = collections.Counter()
jax.monitoring.register_event_listener(lambda name, **_: events.update([name.rpartition("/")[2]]))
def fitness(params, key):
    return -jnp.square(jnp.tanh(params["w"] @ jnp.linspace(0, 1, 6)) - jax.random.normal(key, (5,))).sum()
evaluator = er.from_fitness(fitness, {"w": np.zeros((5, 6), np.float32)})
with er.Trainer(evaluator, er.eggroll(law=er.noise.rademacher), population_size=64) as trainer:
    digest = trainer.fit(3).digest
print(json.dumps([digest, events["compile_requests_use_cache"], events["cache_hits"]]))
"""


def run(code: str, *flags: str, **variables: str) -> tuple[list, str]:
    """Runs a program that prints JSON, in a process without the settings of these tests; returns it, and its stderr."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment = {**kept, "JAX_PLATFORMS": "cpu", SECONDS.upper(): "0", **variables}
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_programs_that_are_loaded_compute_the_bits_of_compiled_ones_and_damaged_ones_are_compiled_anew(tmp_path):
    (compiled, _, hits), _ = run(RUN, EGGROLL_RAY_CACHE="off", XDG_CACHE_HOME=str(tmp_path))
    assert hits == 0 and not list(tmp_path.iterdir())
    (digest, wanted, hits), _ = run(RUN, XDG_CACHE_HOME=str(tmp_path))
    assert digest == compiled and wanted > hits == 0
    entries = list(tmp_path.glob("eggroll_ray/programs/*/*-cache"))
    assert len(entries) == wanted
    # Loaded, but for the update, which was not written whole, and the blocks, where there is something else.
    (update,), (block,) = ([path for path in entries if name in path.name] for name in ("jit_update", "jit_block"))
    update.write_bytes(update.read_bytes()[:-10])
    block.write_bytes(zlib.compress(b"no program"))
    (digest, wanted, hits), said = run(RUN, "-W", "error::UserWarning", XDG_CACHE_HOME=str(tmp_path))
    assert digest == compiled and hits == wanted - 2
    assert said.count("Error reading persistent compilation cache entry") == 2
    assert "machine" not in said and "SIGILL" not in said


ON_RAY = """
import json, os
import ray
from clusters import start_ray
# With an environment of its own.
start_ray(lambda: ray.init(num_cpus=2, include_dashboard=False, configure_logging=False))
os.environ["EGGROLL_RAY_CACHE"] = os.environ["FOLDER"]
import eggroll_ray as er, numpy as np
evaluator = er.from_fitness(lambda params, key: -(params["b"] ** 2).sum(), {"b": np.ones(6, np.float32)})
with er.Trainer(evaluator, population_size=16, workers=1) as trainer:
    trainer.fit(1)
print(json.dumps(ray.is_initialized()))
"""


@pytest.mark.ray
@pytest.mark.timeout(600)  # a busy machine takes minutes to start Ray
def test_workers_on_ray_keep_their_programs_where_the_driver_was_told(tmp_path):
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1] / "helpers"), os.environ.get("PYTHONPATH"))))
    run(ON_RAY, EGGROLL_RAY_CACHE="off", FOLDER=str(tmp_path), PYTHONPATH=path)
    assert list(tmp_path.glob("programs/*/jit_block-*-cache"))  # which only workers compile
