"""The functions of a run are compared when it is continued; where they cannot be, that is said."""

import copy

import jax
import jax.numpy as jnp
import optax
import pytest

import eggroll_ray as er
import envs
from eggroll_ray.es.record import Function, functions_of
from eggroll_ray.runs.checkpoint import CheckpointError, as_json
from eggroll_ray.runs.functions import compare, recorded

PARAMS = {"w": jnp.zeros((6, 5)), "b": jnp.zeros(5)}
FITNESS = jax.ShapeDtypeStruct((16,), jnp.float32)


def made(**options):
    strategy = er.eggroll(**options)
    return recorded(functions_of(strategy, jax.eval_shape(lambda: strategy.init(PARAMS, 0)), FITNESS))


def clipped(fitness):
    return er.fitness.Shaped(jnp.clip(fitness, -1.0, 1.0), jnp.isfinite(fitness))


def wider(fitness):
    return er.fitness.Shaped(jnp.clip(fitness, -2.0, 2.0), jnp.isfinite(fitness))


def law(width):
    return er.noise.Law("mine", jax.random.bits, lambda bits: bits.astype(jnp.float32) * width - 1.0)


SAME = {
    "nothing": lambda: {},
    "Adam": lambda: {"optimizer": optax.adam(0.1)},
    "a schedule": lambda: {"sigma": lambda generation: 0.1 * 0.5**generation},
    "a shaping of one's own": lambda: {"shaping": clipped},
    "group_z_score": lambda: {"shaping": er.fitness.group_z_score(4)},
    "a law of one's own": lambda: {"law": law(0.5)},
}
OTHER = {
    "nothing": ("optimizer", lambda: {"optimizer": optax.adam(0.1)}, r"ScaleByAdam with the number -0.05 .* -0.1 "),
    "Adam": ("optimizer", lambda: {"optimizer": optax.sgd(0.1)}, r"was ScaleByAdam .* now it is one without state"),
    "a schedule": ("sigma", lambda: {"sigma": lambda generation: 0.1 * 0.25**generation}, r"number 0.5 .* 0.25 "),
    "a shaping of one's own": ("shaping", lambda: {"shaping": wider}, r"was clipped .* now it is wider"),
    "group_z_score": (
        "shaping",
        lambda: {"shaping": er.fitness.group_z_score(2)},
        r"was group_z_score\(4\) .* now it is group_z_score\(2\)",
    ),
    "a law of one's own": ("law", lambda: {"law": law(0.25)}, r"mine with the number 0.5 .* 0.25 "),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_is_accepted_and_another_one_refused_by_name(tmp_path, name):
    kept = as_json(made(**SAME[name]()))
    assert compare(kept, made(**SAME[name]()), tmp_path) == []
    which, other, message = OTHER[name]
    with pytest.raises(CheckpointError, match=rf"the {which} of the run in .*{message}"):
        compare(kept, made(**other()), tmp_path)


def test_the_remedy_is_named_where_it_is_the_optimiser(tmp_path):
    with pytest.raises(CheckpointError, match=r"inject_hyperparams from the start and call trainer.change"):
        compare(made(), made(optimizer=optax.adam(0.1)), tmp_path)


def test_the_rate_in_an_injected_state_is_part_of_it(tmp_path):
    adam = optax.inject_hyperparams(optax.adam)
    kept = made(optimizer=adam(0.05))
    assert compare(kept, made(optimizer=adam(0.05)), tmp_path) == []
    with pytest.raises(CheckpointError, match=r"number 0.05 .* with the number 0.2 "):
        compare(kept, made(optimizer=adam(0.2)), tmp_path)


def test_another_version_may_write_the_same_function_another_way(tmp_path):
    """Numbers count all the same: no version changes what the user has written."""
    kept = copy.deepcopy(made())
    kept["versions"]["jax"] = "0.7.0"
    assert compare(kept, made(), tmp_path) == []
    with pytest.raises(CheckpointError, match=r"-0.05 .* -0.1 "):
        compare(kept, made(optimizer=optax.adam(0.1)), tmp_path)
    (told,) = compare(kept, made(optimizer=optax.sgd(0.1)), tmp_path)
    assert "traced by jax 0.7.0" in told and f"now by jax {jax.__version__}" in told


def test_a_record_without_functions_says_that_nothing_was_compared(tmp_path):
    (told,) = compare(None, made(), tmp_path)
    assert "keeps nothing of its optimiser" in told


def test_a_strategy_of_ones_own_is_its_update(tmp_path):
    def strategy(rate):
        base = er.eggroll()
        return base._replace(update=lambda state, fitness: (state, {"rate": fitness.sum() * rate}), functions=None)

    def of(rate):
        one = strategy(rate)
        return recorded(functions_of(one, jax.eval_shape(lambda: one.init(PARAMS, 0)), FITNESS))

    assert compare(of(0.5), of(0.5), tmp_path) == []
    with pytest.raises(CheckpointError, match=r"the update of the run in .* 0.5 .* 0.25 "):
        compare(of(0.5), of(0.25), tmp_path)


def test_a_function_is_described_by_what_it_is():
    found = functions_of(er.eggroll(), jax.eval_shape(lambda: er.eggroll().init(PARAMS, 0)), FITNESS)
    assert all(isinstance(function, Function) for function in found.values())
    assert {name: function.what for name, function in found.items()} == {
        "optimizer": "ScaleByAdam",
        "shaping": "centred_rank",
        "law": "normal",
    }


def of_evaluator(evaluator):
    return recorded(evaluator.functions(jax.eval_shape(lambda: evaluator.init(0))))


def fitness(factor, **options):
    return er.from_fitness(lambda params, key: -factor * (params["b"] ** 2).sum(), PARAMS, er.jittable(**options))


def test_a_fitness_may_be_mended_on_the_way_and_that_is_said(tmp_path):
    """What came of the generations before is in the log: replay does not ask for it again."""
    kept = of_evaluator(fitness(0.5))
    assert compare(kept, of_evaluator(fitness(0.5)), tmp_path) == []
    (told,) = compare(kept, of_evaluator(fitness(0.25)), tmp_path)
    assert "the fitness of the run" in told and "evaluated from here on is of that one" in told


@pytest.mark.parametrize("form", [er.jittable, er.batched])
def test_whose_keys_are_shared_and_what_becomes_of_nan_is_part_of_a_run(tmp_path, form):
    def made(**options):
        return of_evaluator(er.from_fitness(lambda params, key: (params["b"] ** 2).sum(), PARAMS, form(**options)))

    kept = made()
    assert compare(kept, made(shared_by=2), tmp_path) == []
    for options, message in (
        ({"shared_by": None}, r"shared_by=2, .* now it is shared_by=None"),
        ({"on_nan": er.Invalid.WORST}, r"on_nan='drop pair', now it is .*on_nan='worst'"),
    ):
        with pytest.raises(CheckpointError, match=f"the evaluation of the run in .*{message}"):
            compare(kept, made(**options), tmp_path)


def test_the_policy_is_part_of_a_run(tmp_path):
    pytest.importorskip("gymnax")

    def made(activation):
        return of_evaluator(er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((4,), activation)))

    assert compare(made(jnp.tanh), made(jnp.tanh), tmp_path) == []
    with pytest.raises(CheckpointError, match=r"the policy of the run in .* now it is a network"):
        compare(made(jnp.tanh), made(jax.nn.relu), tmp_path)
