"""What is given in place of an evaluator, a strategy or an optimiser is named, with what to make of it."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
from eggroll_ray.rl.env import Box, Discrete, Env, HostEnv

PARAMS = {"w": np.zeros(2, np.float32)}
EVALUATOR = er.from_fitness(lambda params, key: jnp.sum(params["w"]), PARAMS)
ENV = Env("own", lambda key: None, lambda state, action, key: None, Box.of((3,)), Discrete(2), 5)  # type: ignore
HOST = HostEnv("own", lambda size: None, Box.of((3,)), Discrete(2), 5)  # type: ignore


class Gym:
    def reset(self): ...

    def step(self, action): ...


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (ENV, r"not of type Env; give from_env\(environment, mlp\(\)\)"),
        (HOST, r"not of type HostEnv; give from_host_env\(environment, mlp\(\)\)"),
        (Gym(), r"not of type Gym; give from_host_env\(envs.gym_env.from_function\(make"),
        (er.mlp(), r"not of type Policy; give from_env\(environment, policy\)"),
        (lambda params, key: 0.0, r"not of type function '<lambda>'; give from_fitness\(function, params\)"),
        ("gymnax/CartPole-v1", r"not of type str; give from_fitness\(function, params\), or from_env\(envs.make"),
    ],
)
def test_what_is_no_evaluator(given, text):
    with pytest.raises(ValueError, match=f"what is optimised must be an evaluator, {text}"):
        er.Trainer(given)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (optax.adam(0.1), r"of type GradientTransformationExtraArgs; give eggroll\(optimizer=...\) of it"),
        (er.clipup(0.1), r"of type GradientTransformation; give eggroll\(optimizer=...\) of it"),
        (er.eggroll, r"of type function 'eggroll'; give what eggroll\(\) or openai_es\(\) returns"),
        (0.1, r"of type float; give what eggroll\(\)"),
    ],
)
def test_what_is_no_strategy(given, text):
    with pytest.raises(ValueError, match=f"the strategy is {text}"):
        er.Trainer(EVALUATOR, given)


@pytest.mark.parametrize("make", [er.eggroll, er.openai_es])
@pytest.mark.parametrize(("given", "text"), [(0.1, "give one, such as"), (optax.adam, "call it with a learning rate")])
def test_what_is_no_optimizer(make, given, text):
    with pytest.raises(ValueError, match=f"is no transformation of optax; {text}"):
        make(optimizer=given)


@pytest.mark.parametrize("options", [{"watch": 5}, {"run": 5}])
def test_what_is_no_option(options):
    with pytest.raises(ValueError, match=r"=5 must be a (Watch|Run)\(\.\.\.\), not a int"):
        er.Trainer(EVALUATOR, **options)


def test_what_is_no_environment():
    with pytest.raises(ValueError, match=r"a HostEnv; give envs.make\('gymnax/CartPole-v1'\), or call from_host_env"):
        er.from_env(HOST)  # type: ignore
    with pytest.raises(ValueError, match=r"a Gym; give envs.gym_env.from_function\(make"):
        er.from_host_env(Gym())  # type: ignore
