"""check_env with several agents, masks, multi-discrete actions and spaces that differ between agents."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import mostly_slow

from eggroll_ray.rl.checks.env import check_env
from eggroll_ray.rl.env import Box, Discrete, Env, MultiDiscrete, Space, Timestep

pytestmark = pytest.mark.usefixtures("compile_quickly")

# --- Sound environments. In the first, a scout sees two numbers and has two actions, a carrier three of each; which
# of its actions the carrier may take changes from step to step, and a forbidden one throws it out of its bounds.

LENGTH = 6


def see(position: jax.Array, time: jax.Array, reward: jax.Array) -> Timestep:
    observation = jnp.zeros((2, 3)).at[0, :2].set(position[:2]).at[1].set(position)
    free = jnp.arange(3) != time % 3
    mask = jnp.stack([jnp.array([True, True, False]), free]) & (time < LENGTH)
    return Timestep(observation, reward, time >= LENGTH, mask)


def reset(key: jax.Array) -> tuple[Any, Timestep]:
    state = {"position": jax.random.uniform(key, (3,)), "time": jnp.zeros((), jnp.int32)}
    return state, see(state["position"], state["time"], jnp.zeros(2))


def step(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, Timestep]:
    allowed = see(state["position"], state["time"], jnp.zeros(2)).mask
    obeyed = allowed[jnp.arange(2), action].all()
    position = jnp.where(obeyed, 0.9 * state["position"] + 0.1 * jax.random.uniform(key, (3,)), 50.0)
    state = {"position": position, "time": state["time"] + 1}
    return state, see(position, state["time"], jnp.stack([position[0], action[1].astype(jnp.float32)]))


WIDE = Box.of((3,), 0, 1)
TEAM = Env(
    "team",
    reset,
    step,
    observation_space=WIDE,
    action_space=Discrete(3),
    max_steps=LENGTH,
    agents=("scout_0", "carrier_0"),
    agent_spaces=((Box.of((2,), 0, 1), Discrete(2)), (WIDE, Discrete(3))),
)


def obeying(space: Space, mask: Callable[[jax.Array], Any], kept: Callable[[jax.Array, Any], jax.Array]) -> Env:
    """One agent; `kept` says of an action and its mask whether the action was allowed."""

    def start(key: jax.Array) -> tuple[Any, Timestep]:
        time = jnp.zeros((), jnp.int32)
        at = jax.random.uniform(key, (2,))
        return {"time": time, "at": at}, Timestep(at, jnp.zeros(()), jnp.zeros((), bool), mask(time))

    def move(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, Timestep]:
        at = jnp.where(kept(action, mask(state["time"])), jax.random.uniform(key, (2,)), -50.0)
        time = state["time"] + 1
        return {"time": time, "at": at}, Timestep(at, jnp.ones(()), time >= LENGTH, mask(time))

    return Env("obeying", start, move, Box.of((2,), 0, 1), space, LENGTH)


def one_of_three(time: jax.Array) -> jax.Array:
    return jnp.arange(3) == time % 3


def two_and_three(time: jax.Array) -> jax.Array:
    return jnp.concatenate([jnp.arange(2) == time % 2, jnp.arange(3) != time % 3])


MULTI = obeying(MultiDiscrete((2, 3)), two_and_three, lambda action, mask: mask[action[0]] & mask[2 + action[1]])
NARROW = ((Box.of((2,), 0, 1), Box.of((1,), 2, 3)),)  # of the only agent, beside an action padded to two numbers

SOUND = {
    "team": TEAM,
    "one discrete action": obeying(Discrete(3), one_of_three, lambda action, mask: mask[action]),
    "two discrete actions": MULTI,
    "two actions without a mask": obeying(
        MultiDiscrete((2, 3)), lambda time: (), lambda action, mask: (action < jnp.array([2, 3])).all()
    ),
    "a narrower box of its own": obeying(
        Box.of((2,), -5, 5), lambda time: (), lambda action, mask: (action[0] >= 2) & (action[0] <= 3)
    )._replace(agent_spaces=NARROW),
}


@pytest.mark.parametrize("name", mostly_slow(SOUND, quick=["team", "two discrete actions"]))
def test_check_env_accepts_a_sound_environment(name: str) -> None:
    check_env(SOUND[name])


@pytest.mark.slow
def test_random_actions_cover_all_that_is_allowed() -> None:
    """Each allowed pair of actions is drawn, so that the check is not one of a single way to act."""
    drawn = []

    def spy(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, Timestep]:
        jax.debug.callback(lambda action: drawn.append(tuple(action.tolist())), action)
        return TEAM.step(state, action, key)

    check_env(TEAM._replace(step=spy))
    jax.effects_barrier()
    assert set(drawn) == {(i, j) for i in range(2) for j in range(3)}


# --- Breaches.

Change = Callable[[Timestep], Timestep]


def shows(change: Change, at_reset: bool = True, at_step: bool = True, env: Env = TEAM) -> Env:
    def changed(of: Callable[..., tuple[Any, Timestep]]) -> Callable[..., tuple[Any, Timestep]]:
        def run(*arguments: Any) -> tuple[Any, Timestep]:
            state, shown = of(*arguments)
            return state, change(shown)

        return run

    return env._replace(
        reset=changed(env.reset) if at_reset else env.reset, step=changed(env.step) if at_step else env.step
    )


def first_agent(shown: Timestep) -> Timestep:
    return shown._replace(observation=shown.observation[0])


def set_mask(change: Callable[[Any], Any], at_reset: bool = True) -> Env:
    return shows(lambda shown: shown._replace(mask=change(shown.mask)), at_reset)


def spaces(*pairs: tuple[Box, Space]) -> Env:
    return TEAM._replace(agent_spaces=pairs)


SCOUT, CARRIER = TEAM.agent_spaces
ALIKE = TEAM._replace(agent_spaces=())
CONTINUOUS = Env("continuous", reset, step, WIDE, Box.of((1,), 0, 1), LENGTH, TEAM.agents)

BROKEN = {
    "action_space has n = ()": TEAM._replace(action_space=MultiDiscrete(()), agent_spaces=()),
    "action_space has n = (2, 0)": TEAM._replace(action_space=MultiDiscrete((2, 0)), agent_spaces=()),
    "agents are ('scout_0', 'scout_0')": TEAM._replace(agents=("scout_0", "scout_0")),
    "agent_spaces has 1 entries for 2 agents": spaces(CARRIER),
    "the action space of 'scout_0', Discrete(4), does not fit": spaces((SCOUT[0], Discrete(4)), CARRIER),
    "the action space of 'scout_0', MultiDiscrete((2,)), does not fit": spaces((WIDE, MultiDiscrete((2,))), CARRIER),
    "action space of 'carrier_0' has n = 0": spaces(SCOUT, (WIDE, Discrete(0))),
    "the observation space of 'scout_0', Box(4,)": spaces((Box.of((4,), 0, 1), Discrete(2)), CARRIER),
    "the observation space of 'scout_0', Box(2,) with bounds 0.0 .. 2.0": spaces(
        (Box.of((2,), 0, 2), Discrete(2)), CARRIER
    ),
    "the observation space of 'scout_0', Box(1, 2)": spaces((Box.of((1, 2), 0, 1), Discrete(2)), CARRIER),
    "the action space of 'scout_0', Box(2,) with bounds": TEAM._replace(
        action_space=Box.of((1,), 0, 1), agent_spaces=((WIDE, Box.of((2,), 0, 1)), (WIDE, Box.of((1,), 0, 1)))
    ),
    "the action space of 'scout_0', MultiDiscrete((3, 3)), does not fit": TEAM._replace(
        action_space=MultiDiscrete((2, 3)), agent_spaces=((WIDE, MultiDiscrete((3, 3))), (WIDE, MultiDiscrete((2, 3))))
    ),
    "reset gives observation as float32[3]; it must be float32[2,3], as there are 2 agents": shows(first_agent),
    "step gives observation as float32[3]": shows(first_agent, at_reset=False),
    "step gives reward as float32[]; it must be float32[2]": shows(
        lambda shown: shown._replace(reward=shown.reward.sum()), at_reset=False
    ),
    "reset gives done as bool[2]; it must be bool[]": shows(lambda shown: shown._replace(done=jnp.zeros(2, bool))),
    "reset gives mask as bool[3]; it must be bool[2,3]": set_mask(lambda mask: mask[0]),
    "step gives mask as bool[2,2]": set_mask(lambda mask: mask[:, :2], at_reset=False),
    "reset gives mask as int32[2,3]": set_mask(lambda mask: mask.astype(jnp.int32)),
    "reset gives mask as PyTreeDef": set_mask(tuple),
    "reset gives a tuple": TEAM._replace(reset=lambda key: (reset(key)[0], tuple(reset(key)[1]))),
    "only reset gives a mask": shows(lambda shown: shown._replace(mask=()), at_reset=False, env=ALIKE),
    "only step gives a mask": shows(lambda shown: shown._replace(mask=()), at_step=False, env=ALIKE),
    "reset gives a mask for actions in a Box": CONTINUOUS,
    "reset gives no mask, but by agent_spaces some agents have fewer actions": set_mask(lambda mask: ()),
    "reset gives observation[0, 2] = 0.5, which 'scout_0' does not have": shows(
        lambda shown: shown._replace(observation=shown.observation.at[0, 2].set(0.5))
    ),
    "step 1 gives observation[0, 2] = 0.5, which": shows(
        lambda shown: shown._replace(observation=shown.observation.at[0, 2].set(0.5)), at_reset=False
    ),
    "reset gives a mask that allows entry 2, an action that 'scout_0' does not have": set_mask(
        lambda mask: jnp.ones_like(mask)
    ),
    "reset gives a mask that excludes every action of 'carrier_0'": set_mask(lambda mask: mask.at[1].set(False)),
    "step 1 gives a mask that excludes every action of 'carrier_0'": set_mask(
        lambda mask: mask.at[1].set(False), at_reset=False
    ),
    "excludes every action of 'agent' in choice 1": shows(
        lambda shown: shown._replace(mask=shown.mask.at[2:].set(False)), env=MULTI
    ),
    "reset gives reward [0. 1.]": shows(lambda shown: shown._replace(reward=jnp.array([0.0, 1.0])), at_step=False),
    "step 1 gives reward [ 0. nan]": shows(
        lambda shown: shown._replace(reward=jnp.array([0.0, np.nan])), at_reset=False
    ),
    "reset gives observation[1, 1] = 7.0, outside its bounds 0.0 .. 1.0": shows(
        lambda shown: shown._replace(observation=shown.observation.at[1, 1].set(7.0))
    ),
}

PLAYED = [
    text for text in BROKEN if re.match(r"(reset|step 1) gives (observation\[|reward \[|a mask that)|rules", text)
]
QUICK_PLAYED = [text for text in PLAYED if "0.5, which 'scout_0'" in text or "an action that 'scout_0'" in text]


@pytest.mark.parametrize("text", mostly_slow(BROKEN, quick=[*(BROKEN.keys() - PLAYED), *QUICK_PLAYED]))
def test_check_env_names_what_is_broken(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        check_env(BROKEN[text])
    assert "environment " in str(error.value) and "; " in str(error.value)


@pytest.mark.slow
def test_an_agent_may_have_the_first_choices_only() -> None:
    """A choice that an agent lacks is always 0."""
    env = MULTI._replace(agent_spaces=((Box.of((2,), 0, 1), MultiDiscrete((2,))),))
    with pytest.raises(ValueError, match=re.escape("allows entry 3, an action that 'agent' does not have")):
        check_env(env)
    check_env(shows(lambda shown: shown._replace(mask=shown.mask.at[2:].set(jnp.arange(3) == 0)), env=obey_first(env)))


def obey_first(env: Env) -> Env:
    free = obeying(env.action_space, two_and_three, lambda action, mask: mask[action[0]] & (action[1] == 0))
    return free._replace(agent_spaces=env.agent_spaces)
