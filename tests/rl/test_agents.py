"""Several agents: who shares parameters, what they are shown and paid, and that each group goes by its own fitness."""

import functools

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from evaluating import bound_once
from toy_games import TARGETS, constant_policy, higher_card, team_env

import eggroll_ray as er
from eggroll_ray.evaluators.members import Members
from eggroll_ray.rl.actions import DeterministicHead, SamplingHead, clip
from eggroll_ray.rl.agents import Shown, make_groups
from eggroll_ray.rl.env import Box, MultiDiscrete
from eggroll_ray.workers import fitness_vector

pytestmark = pytest.mark.usefixtures("compile_quickly")


# --- who shares parameters


def test_roles_are_names_without_numbers():
    assert er.by_role(("adversary_0", "adversary_1", "agent_0", "solo")) == {
        "adversary": ("adversary_0", "adversary_1"),
        "agent": ("agent_0",),
        "solo": ("solo",),
    }
    assert er.by_role(("7",)) == {"7": ("7",)}
    assert er.by_agent(("a", "b")) == {"a": ("a",), "b": ("b",)}
    assert er.shared(("a", "b")) == {"all": ("a", "b")}


@pytest.mark.parametrize(
    ("groups", "leaves"),
    [
        (er.by_role, {"hunter/bias", "prey/bias"}),
        (er.by_agent, {"hunter_0/bias", "hunter_1/bias", "prey_0/bias"}),
        (er.shared, {"bias"}),
        ({"odd": ["hunter_1", "prey_0"], "even": ["hunter_0"]}, {"odd/bias", "even/bias"}),
    ],
)
def test_each_group_has_parameters_of_its_own(groups, leaves):
    cast = make_groups(team_env(), constant_policy(), DeterministicHead(), er.Agents(groups), False)
    paths = jax.tree_util.tree_flatten_with_path(cast.init(jax.random.key(0)))[0]
    assert {jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in paths} == leaves


@pytest.mark.parametrize(
    "groups", [{"some": ["hunter_0"]}, {"all": [*TARGETS, "hunter_0"]}, {"all": [*TARGETS], "none": []}]
)
def test_groups_must_name_every_agent_once(groups):
    with pytest.raises(ValueError, match=r"must name every agent of toy/team once, .* agents are hunter_0, hunter_1"):
        er.from_env(team_env(), constant_policy(), agents=er.Agents(groups))


def test_policies_are_given_by_the_names_of_the_groups():
    with pytest.raises(ValueError, match=r"given for \['fox'\], but the groups are \['hunter', 'prey'\]"):
        er.from_env(team_env(), {"fox": er.mlp()})
    evaluator = er.from_env(team_env(), {"hunter": er.mlp((5,)), "prey": er.mlp((7,))})
    params = evaluator.init(0)
    assert params["hunter"]["layer_0"]["kernel"].shape == (2, 5)
    assert params["prey"]["layer_0"]["kernel"].shape == (1, 7)  # what the prey sees, without the padding


def test_agents_that_differ_share_parameters_on_padded_observations():
    evaluator = er.from_env(team_env(), er.mlp((5,)), agents=er.Agents(er.shared))
    assert evaluator.groups == () and evaluator.init(0)["layer_0"]["kernel"].shape == (2, 5)


def test_agents_of_a_group_can_be_told_who_they_are():
    evaluator = er.from_env(team_env(), er.mlp((5,)), agents=er.Agents(identify=True))
    params = evaluator.init(0)
    assert params["hunter"]["layer_0"]["kernel"].shape == (4, 5)
    assert params["prey"]["layer_0"]["kernel"].shape == (1, 5)  # alone: there is nobody to be told from


def acted(cast, params, shown, keys):
    """What the agents of one member do, in environments with a key each; compiled as one."""

    def act(params, shown, keys):
        return cast.act(Members(params, 1), None, shown, cast.carry(*keys.shape), keys)[0]

    return jax.jit(act)(params, shown, keys)


def test_every_agent_acts_by_the_parameters_of_its_group_and_member():
    cast = make_groups(team_env(), constant_policy(), DeterministicHead(), er.Agents(), False)
    params = {"hunter": {"bias": jnp.asarray([2.0])}, "prey": {"bias": jnp.asarray([-3.0])}}
    shown = Shown(jnp.ones((2, 3, 2)), ())
    actions = acted(cast, params, shown, jax.random.split(jax.random.key(0), (1, 2)))
    np.testing.assert_array_equal(actions[..., 0], [[2, 2, -3]] * 2)


def test_agents_of_a_group_draw_numbers_of_their_own():
    cast = make_groups(team_env(), constant_policy(), SamplingHead(), er.Agents(er.shared), False)
    params, shown = {"bias": jnp.zeros(2)}, Shown(jnp.ones((2, 3, 2)), ())
    keys = jax.random.split(jax.random.key(0), (1, 2))
    actions = acted(cast, params, shown, keys)
    assert len(np.unique(actions)) == 6


@pytest.mark.parametrize("head", [DeterministicHead(), SamplingHead()])
def test_no_agent_takes_a_forbidden_action(head):
    env = higher_card()
    cast = make_groups(env, constant_policy(), head, er.Agents(), False)
    params = {"bias": jnp.asarray([0.0, 0.0, 1e6])}  # the best card is the forbidden one
    keys = jax.random.split(jax.random.key(0), (1, 50))
    _, first = jax.vmap(env.reset)(keys[0])
    actions = acted(cast, params, Shown(first.observation, first.mask), keys)
    assert int(actions.max()) < 2


# --- what they are paid


def test_credit_is_the_mean_of_the_groups_own_or_of_all_agents():
    returns = np.asarray([[1.0, 2.0, 6.0], [0.0, 4.0, 5.0]])
    np.testing.assert_array_equal(er.own(returns, (0, 1)), [1.5, 2.0])
    np.testing.assert_array_equal(er.team(returns, (0, 1)), [3.0, 3.0])


def expected(group: str, action: float, steps: int = 3) -> float:
    return np.mean([-steps * (action - target) ** 2 for name, target in TARGETS.items() if name.startswith(group)])


@pytest.mark.parametrize("credit", [er.own, er.team])
def test_the_fitness_of_each_group_is_what_its_agents_were_paid(credit):
    evaluator = er.from_env(team_env(), constant_policy(), agents=er.Agents(credit=credit))
    assert evaluator.groups == ("hunter", "prey")
    params = {"hunter": {"bias": jnp.asarray([0.1])}, "prey": {"bias": jnp.asarray([0.2])}}
    test = evaluator.test(params, (), jax.random.key(0), 2)
    hunter, prey = expected("hunter", 0.1), expected("prey", 0.2)
    both = [hunter, prey] if credit is er.own else [(2 * hunter + prey) / 3] * 2
    np.testing.assert_allclose(test, [both] * 2, rtol=1e-5)


# --- each group goes by its own fitness


def groups_strategy(**options):
    return er.eggroll(optimizer=optax.sgd(1.0), shaping=er.fitness.raw, **options)


def test_a_leaf_moves_by_the_fitness_of_its_group_alone():
    strategy, n = groups_strategy(), 8
    params = {"a": {"w": jnp.zeros((3, 4)), "b": jnp.zeros(2)}, "z": {"w": jnp.zeros((3, 4))}}
    fitness = {name: jnp.asarray(np.random.default_rng(i).normal(size=n), jnp.float32) for i, name in enumerate("az")}
    state = strategy.init(params, 7)
    update = jax.jit(strategy.update)
    both, metrics = update(state, fitness)
    for name in "az":
        alone, _ = update(state, fitness[name])  # one fitness for all leaves
        for got, wanted in zip(jax.tree.leaves(both.params[name]), jax.tree.leaves(alone.params[name]), strict=True):
            np.testing.assert_array_equal(got, wanted)
    assert metrics["invalid_members"] == 0


def test_a_member_that_is_invalid_for_one_group_counts_for_the_other():
    strategy, params = groups_strategy(), {"a": jnp.zeros(3), "z": jnp.zeros(3)}
    state = strategy.init(params, 0)
    fine = jnp.arange(8, dtype=jnp.float32)
    update = jax.jit(strategy.update)
    spoiled, metrics = update(state, {"a": fine, "z": fine.at[3].set(jnp.nan)})
    clean, _ = update(state, {"a": fine, "z": fine})
    np.testing.assert_array_equal(spoiled.params["a"], clean.params["a"])
    assert np.isfinite(spoiled.params["z"]).all() and metrics["invalid_members"] == 2


def test_fitness_of_other_groups_than_the_parameters_is_refused():
    strategy = groups_strategy()
    state = strategy.init({"a": jnp.zeros(3), "z": jnp.zeros(3)}, 0)
    with pytest.raises(ValueError, match=r"no prefix of the parameters"):
        strategy.update(state, {"a": jnp.zeros(4), "b": jnp.zeros(4)})


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_twins_are_neighbours_on_the_wire_and_come_back(groups):
    fitness = np.random.default_rng(0).normal(size=(6, groups)).astype(np.float32)
    wire = fitness_vector.flatten(fitness)
    for pair in range(3):
        for group in range(groups):
            place = 2 * (pair * groups + group)
            assert wire[place : place + 2].tolist() == fitness[2 * pair : 2 * pair + 2, group].tolist()
    np.testing.assert_array_equal(fitness_vector.unflatten(wire, groups), fitness)
    np.testing.assert_array_equal(fitness_vector.flatten(fitness[:, 0]), fitness[:, 0])


@functools.cache
def team(agents):
    """One evaluator for all runs."""
    return bound_once(er.from_env(team_env(), constant_policy(), agents=agents))


@functools.cache
def ascent(shaping):
    return er.eggroll(sigma=0.1, optimizer=optax.adam(0.05), shaping=shaping)


def trained(shaping=er.fitness.centred_rank, run=None, generations=60, agents=er.Agents()):  # noqa: B008 - frozen
    evaluator, strategy = team(agents), ascent(shaping)
    trainer = er.Trainer(evaluator, strategy, population_size=32, block_size=8, run=run, watch=er.Watch(episodes=1))
    with trainer:
        return trainer.fit(generations)


@pytest.mark.parametrize("shaping", [er.fitness.centred_rank, er.fitness.antithetic_sign], ids=lambda s: s.name)
def test_every_group_finds_its_own_best_action(shaping, tmp_path):
    result = trained(shaping, tmp_path / "run")
    hunters = (TARGETS["hunter_0"] + TARGETS["hunter_1"]) / 2
    assert abs(result.params["hunter"]["bias"][0] - hunters) < 0.1
    assert abs(result.params["prey"]["bias"][0] - TARGETS["prey_0"]) < 0.1
    assert result.test.shape == (1, 2)
    replayed = trained(shaping, er.Run(tmp_path / "run", resume=True))
    assert replayed.digest == result.digest


def test_each_agent_by_itself_finds_its_own_target():
    result = trained(agents=er.Agents(er.by_agent))
    for name, target in TARGETS.items():
        assert abs(result.params[name]["bias"][0] - target) < 0.1


def test_an_agent_that_is_shown_zeros_is_not_observed():
    env = team_env()
    first = env.reset(jax.random.key(0))[1]
    absent = first._replace(observation=first.observation.at[0].set(0.0))
    cast = make_groups(env, constant_policy(), DeterministicHead(), er.Agents(er.shared), True)
    shown = Shown(jnp.stack([absent.observation, first.observation]), ())
    sums = cast.observe(cast.sums(2), shown, jnp.array([True, True]))
    assert cast.total([cast.block_moments(sums, cast.statistics())]).samples == 5
    np.testing.assert_array_equal(sums.samples, [0, 1, 1, 1, 1, 1])


def test_a_row_names_the_fitness_of_each_group():
    trainer = er.Trainer(er.from_env(team_env(), constant_policy()), population_size=8, watch=er.Watch(episodes=2))
    row = next(iter(trainer))
    np.testing.assert_allclose(row["mean_policy_return/hunter"], expected("hunter", 0.0), rtol=1e-5)
    np.testing.assert_allclose(row["mean_policy_return/prey"], expected("prey", 0.0), rtol=1e-5)
    both = (row["fitness_mean/hunter"] + row["fitness_mean/prey"]) / 2
    np.testing.assert_allclose(both, row["fitness_mean"], rtol=1e-5)
    assert row["mean_policy_rank"] is None


def test_a_member_alone_has_the_fitness_of_each_group(tmp_path):
    evaluator = er.from_env(team_env(), constant_policy())
    with er.Trainer(evaluator, population_size=8, block_size=4, run=tmp_path / "run") as trainer:
        trainer.fit(2)
        log = (tmp_path / "run" / "fitness" / "log.bin").read_bytes()
        alone = trainer.reproduce(0, 5)
    wire = np.frombuffer(log[12 : 12 + 8 * 2 * 4], np.float32)
    np.testing.assert_array_equal(alone, fitness_vector.unflatten(wire, 2)[5])


def test_statistics_of_observations_are_kept_by_group():
    evaluator = er.from_env(team_env(), constant_policy(), normalize_observations=True)
    with er.Trainer(evaluator, population_size=8, block_size=4, watch=er.Watch(every=0)) as trainer:
        trainer.fit(2)
        statistics = trainer._pool.snapshot()["statistics"]  # what no public name shows
    assert statistics["hunter"].mean.tolist() == [1, 0] and statistics["hunter"].samples == 2 * 8 * 3 * 2
    assert statistics["prey"].mean.tolist() == [1] and statistics["prey"].samples == 2 * 8 * 3


def test_a_policy_of_several_agents_acts_for_all():
    result = trained(generations=1)
    actions = result.policy(np.ones((3, 2), np.float32))
    assert actions.shape == (3, 1)
    states, returns = er.record_episode(team_env(), result.policy, jax.random.key(0))
    assert len(states) == 4 and len(returns) == 3
    assert cloudpickle.loads(cloudpickle.dumps(er.from_env(team_env(), er.mlp()))).groups == ("hunter", "prey")


def test_box_actions_with_other_bounds_are_not_taken_for_the_same():
    env = team_env()
    spaces = ((env.observation_space, Box.of((1,), -1, 1)), (env.observation_space, Box.of((1,), -2, 2)))
    env = env._replace(agent_spaces=(*spaces, spaces[0]), action_space=Box.of((1,), -2, 2))
    cast = make_groups(env, constant_policy(), DeterministicHead(), er.Agents(), False)
    assert cast.groups[0].action_space.high.tolist() == [2]


def test_choices_that_do_not_begin_those_of_all_agents_are_made_among_all_and_masked():
    env, wide = team_env(), MultiDiscrete((3, 4))
    spaces = tuple((env.observation_space, space) for space in (wide, MultiDiscrete((2,)), MultiDiscrete((3,))))
    env = env._replace(agent_spaces=spaces, action_space=wide)
    cast = make_groups(env, constant_policy(), DeterministicHead(), er.Agents(er.by_agent), False)
    assert [group.action_space for group in cast.groups] == [wide, wide, MultiDiscrete((3,))]


def test_what_decides_the_bits_is_recorded():
    plain = er.from_env(team_env(), constant_policy()).settings
    assert plain["groups"] == {"hunter": ["hunter_0", "hunter_1"], "prey": ["prey_0"]}
    for other in (
        er.from_env(team_env(), constant_policy(), head=DeterministicHead(clip)),
        er.from_env(team_env(), constant_policy(), agents=er.Agents(credit=er.team)),
        er.from_env(team_env(), constant_policy(), agents=er.Agents(identify=True)),
        er.from_env(team_env(), constant_policy(), agents=er.Agents(er.by_agent)),
    ):
        assert other.settings != plain


@pytest.mark.parametrize("groups", [er.by_agent, er.by_role, er.shared])
def test_agents_of_whatever_groups_draw_their_actions_apart(groups):
    """Each agent of an environment has a key of its own, whatever group it is in."""
    cast = make_groups(team_env(), constant_policy(), SamplingHead(), er.Agents(groups), False)
    first = team_env().reset(jax.random.key(0))[1]
    shown = Shown(jnp.stack([first.observation] * 5), ())
    keys = jax.random.split(jax.random.key(0), (1, 5))
    actions, _ = cast.act(Members(cast.init(jax.random.key(1)), 1), None, shown, cast.carry(1, 5), keys)
    assert len(np.unique(actions)) == 5 * 3
