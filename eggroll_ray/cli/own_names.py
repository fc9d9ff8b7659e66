"""Which options name code of a user's own, and whether they go together. Importing this module imports no JAX."""

import envs
from eggroll_ray.cli.options import TrainOptions
from eggroll_ray.cli.own_code import is_own_code
from eggroll_ray.cli.suggest import suggest

_POLICIES = ("auto", "mlp", "gru", "cnn", "nature-cnn")


def check_own(options: TrainOptions) -> None:
    """Raises ValueError where neither an environment nor a fitness is given, or options that do not go together."""
    task, policy = options.task, options.policy.policy
    if policy not in _POLICIES and not is_own_code(policy):
        near = suggest(policy, _POLICIES)
        advice = f"did you mean {near[0]}?" if near else "or module:attribute of your own."
        raise ValueError(f"policy={policy!r} is none of {', '.join(_POLICIES)}; {advice}")
    if task.fitness is None:
        if not options.env:
            raise ValueError(
                "an environment is needed, such as --env gymnax/CartPole-v1 (`eggroll-ray envs` lists them), or a "
                "fitness of your own: --fitness module:function --params module:attribute."
            )
        given = [name for name in ("params", "data", "time_limit") if getattr(task, name) is not None]
        if given:
            raise ValueError(f"--{given[0].replace('_', '-')} belongs to a --fitness, and none is given.")
        return
    if not is_own_code(task.fitness):
        raise ValueError(f"--fitness {task.fitness!r} must have the form module:function, such as my_task:score.")
    if options.env:
        raise ValueError(f"--env {options.env} and --fitness {task.fitness} are two tasks; leave out one of them.")
    if task.time_limit is not None and task.fitness_kind != "python":
        raise ValueError(f"--time-limit {task.time_limit:g} is for --fitness-kind python; leave it out.")


def own_names(options: TrainOptions) -> list[str]:
    """Returns what of a user's own code the options name, each once: its modules are imported, so a folder must ask."""
    return list(own_texts(options))


def own_texts(options: TrainOptions) -> dict[str, str]:
    """Returns what of a user's own code the options name, and with which option."""
    task, env, policy = options.task, options.env, options.policy.policy
    found = {task.fitness: "--fitness", task.params: "--params", task.data: "--data"}
    found |= {env: "--env"} if is_own_env(env) else {}
    found |= {policy: "--policy"} if is_own_code(policy) else {}
    return {text: option for text, option in found.items() if text is not None}


def is_own_env(text: str) -> bool:
    """Whether an environment is code of the user's own, `module:attribute`: `gym/module:Id-v0` is Gymnasium's."""
    return is_own_code(text) and not envs.names_suite(text)
