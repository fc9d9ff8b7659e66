"""Self-play: who the opponents are, seats, the rebuilt past, and the league with its ratings."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from evaluating import bound_once
from marks import mostly_slow
from toy_games import TARGETS, constant_policy, higher_card, team_env

import eggroll_ray as er
from eggroll_ray.evaluators.members import Members
from eggroll_ray.evaluators.record import Earlier
from eggroll_ray.league import elo, load_league, play_league, spread_out
from eggroll_ray.models.policies import feedforward
from eggroll_ray.replay import Replay
from eggroll_ray.rl.agents import Shown, make_groups
from eggroll_ray.rl.normalize import Statistics
from eggroll_ray.rl.self_play import Duel
from eggroll_ray.workers.plan import make_plan
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

RIVALS = er.Rivals(count=2, every=2, most=4)


# --- the pool


def test_the_pool_thins_out_and_keeps_what_it_will_need():
    rivals = er.Rivals(count=3, every=5, most=4)
    assert list(rivals.pool(0)) == [0] and list(rivals.pool(19)) == [0, 5, 10, 15]
    assert list(rivals.pool(20)) == [0, 10, 20] and list(rivals.pool(45)) == [0, 20, 40]
    for generation in range(200):
        assert len(rivals.pool(generation)) <= 4
        # What is needed later must be there already, or be the newest.
        assert {*rivals.pool(generation + 1)} <= {*rivals.pool(generation), generation, generation + 1}


def test_opponents_are_the_newest_and_draws_from_the_pool():
    rivals = er.Rivals(count=4, every=2, most=64)
    draws = [rivals.draw(seed=7, generation=generation) for generation in range(200, 400)]
    assert all(drawn[0] == rivals.pool(g)[-1] for g, drawn in enumerate(draws, 200))
    others = np.array([number for drawn in draws for number in drawn[1:]])
    assert others.min() < 40 and others.max() > 180 and len(np.unique(others)) > 30
    assert draws[0] == rivals.draw(seed=7, generation=200)
    assert draws != [rivals.draw(seed=8, generation=generation) for generation in range(200, 400)]


@pytest.mark.parametrize("wrong", [{"count": 0}, {"every": 0}, {"most": 1}])
def test_rivals_must_make_sense(wrong):
    with pytest.raises(ValueError, match=r"must be at least 1, and most=\d+ .* at least 2"):
        er.Rivals(**wrong)


# --- the game


def cast(count=2):
    return Duel(
        make_groups(higher_card(4), constant_policy(), er.DeterministicHead(), er.Agents(er.shared), False),
        er.Rivals(count),
    )


def earlier(choice):
    """A policy that always plays one card."""
    return Earlier({"bias": 10.0 * jax.nn.one_hot(choice, 4)}, ())


def test_members_and_opponents_have_the_seats_they_should():
    duel = cast()
    env = duel.learners.env
    context = duel.against((), [earlier(0), earlier(2)])
    keys = jax.random.split(jax.random.key(0), (3, 8))
    _, first = jax.vmap(env.reset)(keys.reshape(-1))
    params = {"bias": 10.0 * jnp.eye(4)[1]}
    shown = Shown(first.observation, first.mask)
    actions = jax.jit(lambda *given: duel.act(Members(given[0], 3), *given[1:])[0])(
        params, context, shown, duel.carry(3, 8), keys
    )
    # Episode j: the member (card 1) in seat j % 2, opponent (j // 2) % 2 (card 0 or 2) in the other.
    one_member = [[1, 0], [0, 1], [1, 2], [2, 1]] * 2
    assert actions.reshape(3, 8, 2).tolist() == [one_member] * 3
    totals = jnp.asarray([[1.0, -1], [-1, 1], [-1, 1], [1, -1]] * 6)
    assert duel.returns(totals, 8).reshape(3, 8).tolist() == [[1, 1, -1, -1] * 2] * 3
    assert duel.best_of_others(np.asarray(totals), 8).reshape(3, 8).tolist() == [[-1, -1, 1, 1] * 2] * 3


def test_points_of_a_duel_are_wins_and_half_draws():
    evaluator = er.self_play(higher_card(4), constant_policy())
    points = evaluator.duel(earlier(1), [earlier(0), earlier(1), earlier(2)], jax.random.key(0), 4)
    assert points.tolist() == [[1.0] * 4, [0.5] * 4, [0.0] * 4]


@functools.cache
def strategy():
    return er.eggroll(sigma=0.5, optimizer=optax.adam(0.1))


@functools.cache
def game():
    """One evaluator for all runs."""
    return bound_once(er.self_play(higher_card(4), constant_policy(), rivals=RIVALS))


def trainer(run=None, resume=False):
    recorded = None if run is None else er.Run(run, resume=resume, checkpoint_every=3)
    watch = er.Watch(every=2, episodes=6)
    return er.Trainer(game(), strategy(), population_size=16, block_size=8, run=recorded, watch=watch)


def test_the_best_card_is_found_and_the_past_is_beaten(tmp_path):
    with trainer(tmp_path / "run") as one:
        result = one.fit(30)
    assert int(np.argmax(result.params["bias"][:3])) == 2  # the fourth is forbidden
    with trainer(tmp_path / "run", resume=True) as again:
        assert again.fit(30).digest == result.digest


@pytest.mark.parametrize("stop", mostly_slow([4, 7], quick=[7]))
def test_opponents_are_rebuilt_from_the_log_when_a_run_is_resumed(tmp_path, stop):
    with trainer(tmp_path / "whole") as whole:
        expected = whole.fit(9).digest
    with trainer(tmp_path / "parts") as begun:
        begun.fit(stop)
    held = {path.name for path in (tmp_path / "parts" / "checkpoints").rglob("*") if path.is_file()}
    assert not [name for name in held if "past" in name]
    with trainer(tmp_path / "parts", resume=True) as resumed:
        assert resumed.fit(9).digest == expected


def test_a_worker_that_joins_takes_the_past_over():
    evaluator = game()
    plan = make_plan(16, 8, 0, 4)
    one = Worker(strategy(), evaluator, plan)
    from eggroll_ray.workers.messages import Outcome

    for number in range(7):
        fitness = np.concatenate([one.evaluate(block).fitness for block in (0, 1)])
        one.update(Outcome(number, fitness))
    assert sorted(one.past()) == [0, 2, 4, 6, 7]
    two = Worker(strategy(), evaluator, plan)
    two.catch_up(one.digest_and_snapshot()[1], [])
    np.testing.assert_array_equal(two.evaluate(1).fitness, one.evaluate(1).fitness)
    assert two.digest() == one.digest()


def test_games_that_are_not_symmetric_or_uneven_are_refused():
    with pytest.raises(ValueError, match=r"toy/team has the agents hunter_0, .* with different spaces: use from_env"):
        er.self_play(team_env())
    with pytest.raises(ValueError, match=r"episodes=6 must be a multiple of 4"):
        er.self_play(higher_card(), rivals=RIVALS, episodes=6)


# --- the league


def test_a_league_of_rebuilt_generations_is_that_of_the_generations(tmp_path):
    with trainer(tmp_path / "run") as one:
        result = one.fit(12)
    evaluator = game()
    plan = make_plan(16, 8, 0, 6)
    past = Replay(tmp_path / "run", evaluator, strategy(), plan)
    numbers = spread_out(len(past.log), 4)
    assert numbers == (0, 4, 8, 12)
    with pytest.raises(ValueError, match=r"generations=\[4, 0\] must rise; give \[0, 4\]"):
        past.means([4, 0])
    means = past.means(numbers)
    np.testing.assert_array_equal(means[-1].params["bias"], result.params["bias"])
    found = play_league(evaluator, means, numbers, 4, 0)
    choices = [int(np.argmax(one.params["bias"][:3])) for one in means]
    expected = [[0.5 + 0.5 * np.sign(a - b) for b in choices] for a in choices]
    np.testing.assert_array_equal(found.score, expected)
    found.save(tmp_path / "run")
    loaded = load_league(tmp_path / "run")
    np.testing.assert_array_equal(loaded.score, found.score)
    np.testing.assert_array_equal(loaded.elo, found.elo)
    assert load_league(tmp_path) is None


def test_opponents_explore_in_a_league_as_in_training():
    means = [Earlier({"bias": jnp.zeros(4).at[best].set(1.0)}, ()) for best in (0, 2)]
    for explore, often in ((0.0, False), (0.5, True)):
        rivals = er.Rivals(count=2, explore=explore)
        evaluator = er.self_play(higher_card(4), constant_policy(), rivals=rivals)
        found = play_league(evaluator, means, (0, 1), 64, 0)
        # The better one always wins, unless the worse one draws by chance.
        assert (found.score[1, 0] < 1.0) == often and found.score[1, 0] > 0.6


def test_two_groups_play_their_generations_against_each_other(tmp_path):
    evaluator = er.from_env(team_env(), constant_policy())
    params = [{"hunter": {"bias": jnp.asarray([x])}, "prey": {"bias": jnp.asarray([-x])}} for x in (0.0, 1.0)]
    found = play_league(evaluator, [Earlier(one, ()) for one in params], (0, 5), 2, 0)
    assert found.groups == ("hunter", "prey") and found.elo.size == 0
    assert found.score[0, 0] == found.score[0, 1] > found.score[1, 0]
    hunters = [np.mean([-((x - TARGETS[name]) ** 2) for name in TARGETS if "hunter" in name]) for x in (0.0, 1.0)]
    prey = [-((x - TARGETS["prey_0"]) ** 2) for x in (0.0, -1.0)]
    np.testing.assert_allclose(found.score, 3 * np.repeat(np.array(hunters)[:, None], 2, 1), rtol=1e-5)
    np.testing.assert_allclose(found.second_score, 3 * np.repeat(np.array(prey)[None], 2, 0), rtol=1e-5)
    found.save(tmp_path)
    loaded = load_league(tmp_path)
    assert loaded is not None and loaded.groups == found.groups
    np.testing.assert_array_equal(loaded.second_score, found.second_score)
    with pytest.raises(ValueError, match=r"in self-play, or where two groups .* one set of parameters, and no groups"):
        play_league(er.from_env(team_env(), agents=er.Agents(er.shared)), [], (), 2, 0)


def test_ratings_are_those_that_made_the_results():
    true = np.array([0.0, 120.0, 300.0])
    score = 1 / (1 + 10 ** ((true[None] - true[:, None]) / 400))
    np.testing.assert_allclose(elo(score, 100_000), true, atol=0.5)
    np.testing.assert_allclose(elo(np.full((3, 3), 0.5), 10), 0, atol=1e-6)
    unbeaten = elo(np.array([[0.5, 0.0], [1.0, 0.5]]), 32)
    assert 600 < unbeaten[1] < 1000  # finite, though it never lost


def test_a_league_needs_two_entries_and_games():
    with pytest.raises(ValueError, match="choose at least 2"):
        spread_out(10, 1)
    assert spread_out(1, 8) == (0, 1)
    with pytest.raises(ValueError, match="a run of 0 generations"):
        spread_out(0, 8)
    with pytest.raises(ValueError, match="games=0"):
        play_league(er.from_env(team_env()), [], (), 0, 0)


def test_opponents_are_shown_what_their_own_normaliser_makes_of_it():
    """A card for each sign of what is seen: the member's mean is above it, those of the opponents are below."""
    reads = feedforward(
        lambda key, observation, outputs: {"scale": jnp.ones(1)},
        lambda params, seen: params["scale"] * jnp.stack([seen[0], -seen[0], jnp.float32(-9), jnp.float32(-9)]),
    )
    groups = make_groups(higher_card(4), reads, er.DeterministicHead(), er.Agents(er.shared), True)
    duel, params = Duel(groups, er.Rivals(2)), {"scale": np.ones(1, np.float32)}

    def around(mean):
        return Statistics(np.array(9.0), np.array([mean]), np.array([9.0]))

    context = duel.against(around(5.0), [Earlier(params, around(-5.0)), Earlier(params, around(0.0))])
    keys = jax.random.split(jax.random.key(0), (1, 4))
    _, first = jax.vmap(groups.env.reset)(keys.reshape(-1))  # all see 1
    actions, _ = duel.act(Members(params, 1), context, Shown(first.observation, first.mask), duel.carry(1, 4), keys)
    assert actions.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
