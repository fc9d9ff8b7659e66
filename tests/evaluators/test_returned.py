"""What a fitness function may return, and what float32 leaves of it."""

from decimal import Decimal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import SLOPE, N, evaluate, formed, members, plain, start

import eggroll_ray as er
from eggroll_ray.evaluators import blocking as child
from eggroll_ray.evaluators.functions import batched, from_fitness
from eggroll_ray.evaluators.record import FitnessError, Invalid
from eggroll_ray.evaluators.returned import evaluation_of, real_numbers
from eggroll_ray.runs.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("compile_quickly")

NO_NUMBERS = {
    "complex": (1 + 2j, r"complex \(1\+[02]j\)"),
    "complex64": (np.complex64(1), r"complex \(1\+0j\)"),
    "text": ("1.5", r"str 1\.[05]"),
    "none": (None, "NoneType None"),
    "decimal": (Decimal(1), "Decimal 1"),
    "int beyond float64": (10**400, "int 1000"),
}


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_what_is_no_real_number_is_refused_by_every_form(name):
    value, found = NO_NUMBERS[name]
    text = f"returned {found}.*; a fitness must be a real number that float64 can hold"
    with pytest.raises(ValueError, match=text):
        evaluate(from_fitness(lambda members, keys: [1.0] * (len(keys) - 1) + [value], SLOPE, batched()))
    assert "a fitness must be a real number" in child._call(lambda params, seed: value, {}, 0).error


def test_a_complex_fitness_in_jax_is_refused_before_any_work():
    with pytest.raises(
        ValueError, match=r"returned complex64\[\]; a jittable .* one real number .* take \.real or abs"
    ):
        from_fitness(lambda params, key: jax.lax.complex(params["w"][0], 1.0), SLOPE)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float16, jnp.bfloat16, np.float64])
def test_numbers_of_every_real_type_are_taken(kind):
    values = np.array([0, 1, 1, 0, 0, 1, 0, 1]).astype(kind)
    found = evaluate(from_fitness(lambda members, keys: values, SLOPE, batched()))
    assert found.fitness.dtype == np.float32 and found.fitness.tolist() == values.astype(float).tolist()
    assert (found.ties, found.failures) == (0, ())
    assert child._call(lambda params, seed: values[1], {}, 0).value == 1.0


@pytest.mark.parametrize("kind", [jnp.bool_, jnp.int32, jnp.bfloat16])
def test_numbers_of_every_real_type_are_taken_in_jax(kind):
    evaluator, es = from_fitness(lambda params, key: (params["w"][0] > 0).astype(kind), SLOPE), plain()
    found, positive = evaluate(evaluator, es).fitness, formed(es, start(evaluator, es))["w"][:, 0] > 0
    assert found.dtype == np.float32 and found.tolist() == positive.astype(float).tolist()


def judged(values, on_nan=Invalid.DROP_PAIR):
    es = plain()
    return evaluation_of(np.asarray(values), es.init(SLOPE, 0), members(4, 4 + len(values)), on_nan)


def test_differences_that_float32_takes_away_are_counted():
    assert judged(1e9 - np.arange(8.0)).ties == 7
    assert judged(1e9 - 64.0 * np.arange(8.0)).ties == 0
    assert judged(2**24 + np.arange(4)).ties == 1  # of integers: 2**24 + 1 becomes 2**24
    assert judged([1.0, 1.0, 2.0, 2.0]).ties == 0  # alike before as well
    assert judged([np.nan, np.nan, 1.0, 1.0 + 1e-12, -np.inf, 1e200]).ties == 1  # of those that are finite


def test_a_number_beyond_float32_is_named_with_its_value():
    found = judged([1.0, -1e100, np.nan, 1e39])
    assert [np.isnan(x) for x in found.fitness] == [False, True, True, True]
    text = "member {} of generation 0: fitness {} is beyond the range of float32, 3.4e+38; return a smaller number"
    assert found.failures == (text.format(5, "-1e+100"), text.format(7, "1e+39"))
    worst = judged([1.0, -1e100, -np.inf, 1e39], Invalid.WORST)
    assert worst.fitness.tolist() == [1.0, -np.inf, -np.inf, -np.inf]
    assert worst.failures == found.failures  # -inf may be meant
    with pytest.raises(FitnessError, match=r"member 5 of generation 0 has fitness -1e\+100; .* that float32 holds"):
        judged([1.0, -1e100], Invalid.RAISE)


def test_a_penalty_that_overflows_in_jax_is_named_as_well():
    fn = lambda params, key: jnp.where(params["w"][0] > 0, jnp.float32(1.0), -jnp.exp(jnp.float32(200)))  # noqa: E731
    found = evaluate(from_fitness(fn, SLOPE))
    assert len(found.failures) == N // 2 and "fitness -inf is beyond the range of float32" in found.failures[0]


def test_real_numbers_keep_their_type():
    assert real_numbers([1, 2], "it").dtype == np.int64 and real_numbers(2.0, "it").shape == ()


@pytest.mark.parametrize("form", ["jittable", "batched", "signs"])
def test_a_run_says_once_that_float32_does_not_hold_its_fitness(form, tmp_path):
    def in_jax(params, key):
        return 1e9 - jnp.sum((params["w"] - 3.0) ** 2)

    def in_float64(members, keys):
        return 1e9 - np.asarray(members.apply(lambda params: jnp.sum((params["w"] - 3.0) ** 2)), np.float64)

    shaping = er.fitness.antithetic_sign if form == "signs" else er.fitness.centred_rank
    evaluator = from_fitness(in_jax, SLOPE) if form == "jittable" else from_fitness(in_float64, SLOPE, batched())
    with er.Trainer(evaluator, er.eggroll(shaping=shaping), population_size=N, run=tmp_path / "run") as trainer:
        rows = list(zip(range(2), trainer, strict=False))
    assert rows[0][1]["tied_members"] == (0 if form == "jittable" else N - 1)
    (event,) = [row for row in read_metrics(tmp_path / "run/metrics.jsonl") if row.get("event") == "fitness too coarse"]
    assert "between 1e+09 and 1e+09, where float32 has steps of 64: return what" in event["detail"]
    assert event["detail"].startswith("half" if form == "jittable" else "7 members had a fitness of their own")
