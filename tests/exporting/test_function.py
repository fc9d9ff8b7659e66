"""The function that an export holds acts as the trained policy does, whatever the policy is made of."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file
from toy_games import higher_card, team_env

import envs
from eggroll_ray.exporting.function import policy_function
from eggroll_ray.exporting.onnx import onnx_bytes
from eggroll_ray.exporting.stablehlo import stablehlo_bytes
from eggroll_ray.exporting.write import export
from eggroll_ray.models.policies import Policy, cnn, gru, mlp, with_log_std
from eggroll_ray.rl.actions import DeterministicHead, SamplingHead
from eggroll_ray.rl.agents import Agents, shared
from eggroll_ray.rl.env import Box, Discrete, Env, HostEnv, MultiDiscrete, Timestep
from eggroll_ray.rl.host_rollout import from_host_env
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.rl.normalize import Statistics

pytestmark = pytest.mark.usefixtures("compile_quickly")
DRAW = np.random.default_rng(0)


def shows(shape, actions):
    """An environment that is never stepped."""

    def reset(key):
        return (), Timestep(jnp.zeros(shape), jnp.float32(0), jnp.bool_(False))

    return Env("shows", reset, lambda *_: pytest.fail("stepped"), Box.of(shape), actions, 3)


def statistics(shape):
    return Statistics(np.array(9.0), DRAW.normal(size=shape), 9 * DRAW.uniform(0.5, 2.0, shape))


def trained(env, policy, **options):
    make = from_host_env if isinstance(env, HostEnv) else from_env
    evaluator = make(env, policy, **options)
    seen = evaluator.statistics
    if options.get("normalize_observations"):
        seen = jax.tree.map(lambda x: statistics(x.mean.shape), seen, is_leaf=lambda x: isinstance(x, Statistics))
    return evaluator.policy(evaluator.init(1), seen)


# Environment, policy, further options of the evaluator.
POLICIES = {
    "normalised": (shows((3,), Box.of((2,), -1, 1)), mlp((4,)), {"normalize_observations": True}),
    "several choices": (shows((3,), MultiDiscrete((2, 3))), mlp((4,)), {}),
    "clipped": (shows((3,), Box.of((2,), -0.1, 0.1)), mlp((4,)), {"head": DeterministicHead(lambda space, x: x)}),
    "image": (shows((5, 4, 2), Discrete(3)), cnn(2, 4), {}),
    "groups, padded": (team_env(), mlp((4,)), {"normalize_observations": True}),
    "masked, identified": (higher_card(), mlp((4,)), {"agents": Agents(shared, identify=True)}),
}


@pytest.mark.parametrize("name", POLICIES)
def test_it_acts_as_the_policy_does(name):
    env, network, options = POLICIES[name]
    policy = trained(env, network, **options)
    function = policy_function(policy)
    seen = DRAW.normal(size=(5, *function.inputs[0].shape)).astype(np.float32)
    given = {"mask": DRAW.permuted(np.array([[[True, True, False]] * 2] * 5), axis=-1)} if "masked" in name else {}
    assert [port.name for port in function.inputs] == ["observation", *given]
    found = jax.jit(function.call)(seen, *given.values())
    np.testing.assert_allclose(found[0], policy(seen, **given), rtol=1e-5, atol=1e-6)
    assert (found[0].shape[1:], found[0].dtype) == (function.outputs[0].shape, function.outputs[0].dtype)


@pytest.mark.parametrize("env", [shows((3,), Discrete(3)), team_env()], ids=["one agent", "groups"])
def test_a_recurrent_policy_carries_its_state(env):
    policy = trained(env, gru(4))
    function = policy_function(policy)
    call = jax.jit(function.call)
    carry = policy.initial_carry(5)
    own = [np.broadcast_to(port.initial, (5, *port.shape)) for port in function.inputs[1:]]
    for _ in range(3):
        seen = DRAW.normal(size=(5, *function.inputs[0].shape)).astype(np.float32)
        action, carry = policy.step(seen, carry, jax.random.key(0))
        found, *own = call(seen, *own)
        np.testing.assert_allclose(found, action, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("space", [Box.of((2,), -1, 1), Discrete(4), MultiDiscrete((2, 3))], ids=str)
def test_a_sampling_policy_takes_its_noise(space):
    env, network = shows((3,), space), with_log_std(mlp((4,))) if isinstance(space, Box) else mlp((4,))
    policy = trained(env, network, head=SamplingHead())
    function = policy_function(policy)
    seen = np.broadcast_to(DRAW.normal(size=3).astype(np.float32), (4000, 3))
    noise = DRAW.normal if isinstance(space, Box) else DRAW.gumbel
    call = jax.jit(function.call)
    drawn = np.asarray(call(seen, noise(size=(4000, *function.inputs[1].shape)).astype(np.float32))[0], float)
    own = np.asarray(policy(seen, jax.random.key(0)), float)
    np.testing.assert_allclose(drawn.mean(axis=0), own.mean(axis=0), atol=0.07)
    np.testing.assert_allclose(drawn.std(axis=0), own.std(axis=0), atol=0.07)
    likely = np.asarray(call(seen[:2], np.zeros((2, *function.inputs[1].shape), np.float32))[0])
    assert (likely[0] == likely[1]).all()


def test_a_head_that_draws_from_a_key_is_refused():
    class Dice(DeterministicHead):
        def action(self, space, outputs, key):
            return jax.random.randint(key, (), 0, 3)

    with pytest.raises(ValueError, match="the head Dice draws random numbers from a key of JAX"):
        policy_function(trained(shows((3,), Discrete(3)), mlp((4,)), head=Dice()))


def test_an_environment_on_the_host_says_of_what_type_its_observations_are():
    policy = trained(envs.make("gym/CartPole-v1"), mlp((4,)))
    assert policy_function(policy).inputs[0][:3] == ("observation", (4,), np.float32)


def test_a_policy_that_must_know_how_many_there_are_is_exported_for_one(caplog):
    def apply(params, seen, carry):
        return jax.pure_callback(lambda x: np.asarray(x[..., :2]), jax.ShapeDtypeStruct((2,), jnp.float32), seen), carry

    network = Policy(lambda *_: {"b": jnp.zeros(2)}, apply)
    policy = trained(shows((3,), Discrete(2)), network)
    with pytest.raises(ValueError, match="JAX cannot export this policy"):
        stablehlo_bytes(policy_function(policy))

    def by_count(*arrays):
        return (arrays[0][:, 0] * np.ones(int(arrays[0].shape[0]), np.float32),)

    function = policy_function(trained(shows((3,), Box.of((1,))), mlp((4,))))._replace(call=by_count)
    function = function._replace(outputs=(function.outputs[0]._replace(shape=()),))
    data, said = stablehlo_bytes(function)
    assert said["batch"] == 1 and "takes one environment at a time" in caplog.text
    assert jax.export.deserialize(bytearray(data)).call(np.ones((1, 3), np.float32)).shape == (1,)


def test_narrow_parameters_are_written_in_types_that_their_readers_have(tmp_path):
    policy = trained(shows((3,), Discrete(3)), mlp((4,)))
    policy.params = jax.tree.map(lambda x: x.astype(jnp.bfloat16), policy.params)
    with jax.numpy_dtype_promotion("standard"):
        paths = export(policy, tmp_path, ["safetensors", "npz"])
    kernel = np.asarray(policy.params["layer_0"]["kernel"])
    found = np.load(paths["npz"])["layer_0/kernel"]
    assert found.dtype == np.float32 and (found == kernel.astype(np.float32)).all()
    assert (load_file(paths["safetensors"])["layer_0/kernel"].view(np.uint16) == kernel.view(np.uint16)).all()
    about = json.loads(paths["json"].read_text())
    assert about["parameters"]["layer_0/kernel"] == {"shape": [3, 4], "dtype": "bfloat16"}
    assert about["files"] == {"safetensors": "policy.safetensors", "npz": "policy.npz"}


@pytest.mark.parametrize(
    ("policy", "formats", "text"),
    [
        (None, ["npz"], "export was given a NoneType; give the policy of a result"),
        (..., ["pt"], r"formats=\['pt'\] are not known; choose from safetensors, npz, stablehlo, onnx"),
        (..., [], "names no format"),
    ],
)
def test_what_cannot_be_exported_is_explained_and_nothing_is_written(policy, formats, text, tmp_path):
    given = trained(shows((3,), Discrete(3)), mlp((4,))) if policy is ... else policy
    with pytest.raises(ValueError, match=text):
        export(given, tmp_path / "new", formats)
    assert not (tmp_path / "new").exists()


def test_files_of_an_earlier_export_do_not_stay_beside_another_policy(tmp_path):
    policy = trained(shows((3,), Discrete(3)), mlp((4,)))
    (tmp_path / "notes.txt").write_text("mine")
    export(policy, tmp_path, "npz")
    export(policy, tmp_path, "safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "policy.json", "policy.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*POLICIES, "recurrent"])
def test_onnx_holds_every_kind_of_policy(name):
    """`onnx_bytes` itself compares the actions with those of the policy."""
    pytest.importorskip("onnxruntime")
    env, network, options = POLICIES.get(name, (team_env(), gru(4), {}))
    _, said = onnx_bytes(policy_function(trained(env, network, **options)))
    assert said["opset"]


@pytest.mark.slow
def test_what_onnx_cannot_hold_is_named():
    pytest.importorskip("onnxruntime")

    def apply(params, seen, carry):
        return jax.lax.linalg.cholesky(jnp.outer(seen, seen) + jnp.eye(3))[0, :2], carry

    policy = trained(shows((3,), Box.of((2,))), Policy(lambda *_: {"b": jnp.zeros(2)}, apply))
    with pytest.raises(ValueError, match=r"jax2onnx cannot convert this policy: .*cholesky"):
        onnx_bytes(policy_function(policy))
