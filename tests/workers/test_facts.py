"""What tells processes apart that compute other bits, and what does not."""

import sys
from types import ModuleType

import jax
import pytest

from eggroll_ray.compiling import switches
from eggroll_ray.workers import facts
from eggroll_ray.workers.facts import differences, facts_of_this_process


@pytest.fixture(scope="module")
def here():
    return facts_of_this_process()


def test_a_process_is_like_itself_and_names_what_decides_its_bits(here):
    again = facts_of_this_process()
    assert here == again and differences(here, again) == []
    assert here["platform"] == "cpu" and here["jax"] == jax.__version__ and len(here["code"]) == 8
    assert {"package numpy", "package jaxlib", "package optax"} <= {*here}
    assert here["package jax" if "package jax" in here else "jax"] == jax.__version__
    assert "source of jax" not in here and "source of json" not in here and "source of __main__" not in here
    assert not any(name.startswith(("source of eggroll_ray", "source of envs")) for name in here)


@pytest.mark.parametrize("name", ["code", "noise", "device_kind", "enable_x64", "XLA_FLAGS", "package numpy"])
def test_another_value_is_a_difference(here, name):
    assert differences(here | {name: "other"}, here) == [name] == differences(here, here | {name: "other"})


def test_what_only_one_has_loaded_is_none_and_what_only_one_has_at_all_is(here):
    assert differences(here | {"package brax": "1", "source of mine": "2"}, here) == []
    assert differences(here, here | {"new": "1"}) == ["new"] == differences(here | {"new": "1"}, here)


def test_the_users_own_modules_count_by_their_source(tmp_path, monkeypatch):
    module, file = ModuleType("mine.part"), tmp_path / "part.py"
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "mine.part", module)
    found = []
    for text in ("x = 1", "x = 2", "x = 1"):
        file.write_text(text)
        found.append(dict(facts._sources())["source of mine.part"])
    assert found[0] == found[2] != found[1]
    file.unlink()
    assert "source of mine.part" not in dict(facts._sources())
    library = tmp_path / "lib/site-packages/part.py"
    library.parent.mkdir(parents=True)
    library.write_text("x = 1")
    module.__file__ = str(library)
    assert "source of mine.part" not in dict(facts._sources())


def test_versions_are_of_packages_that_are_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "brax", ModuleType("brax"))
    monkeypatch.delitem(sys.modules, "flax", raising=False)
    monkeypatch.setattr(facts.importlib.metadata, "version", lambda name: f"version of {name}")
    found = dict(facts._packages())
    assert found["package brax"] == "version of brax" and "package flax" not in found


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("enable_x64", True, "1"),
        ("default_matmul_precision", "highest", "highest"),
        ("default_prng_impl", "rbg", "rbg"),
        ("random_seed_offset", 3, "3"),
        ("numpy_dtype_promotion", "standard", "standard"),
    ],
)
def test_switches_of_jax_count_and_another_process_can_be_given_them(name, value, text):
    before = jax.config.values[f"jax_{name}"]
    try:
        jax.config.update(f"jax_{name}", value)
        assert switches.switches()[name] == text
        assert switches.switch_variables()[f"JAX_{name.upper()}"] == text
    finally:
        jax.config.update(f"jax_{name}", before)


def test_what_is_not_set_cannot_be_given():
    assert jax.config.values["jax_default_matmul_precision"] is None
    assert switches.switches()["default_matmul_precision"] == ""
    assert "JAX_DEFAULT_MATMUL_PRECISION" not in switches.switch_variables()


def test_flags_count_in_any_order_but_for_those_that_change_no_bit(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--b=1 --a=2  --xla_dump_to=/x")
    assert switches.switches()["XLA_FLAGS"] == "--a=2 --b=1"
    assert switches.switch_variables()["XLA_FLAGS"] == "--b=1 --a=2  --xla_dump_to=/x"
    monkeypatch.delenv("XLA_FLAGS")
    assert switches.switches()["XLA_FLAGS"] == "" and "XLA_FLAGS" not in switches.switch_variables()
