"""What somebody may have meant by a command or an option that there is not: by its letters, or its name elsewhere."""

import difflib
from collections.abc import Collection

# Option -> what it is called in other libraries: Stable-Baselines3, CleanRL, EvoTorch, evosax, pycma, OpenAI's ES, Ray.
_CALLED_ELSEWHERE = {
    "learning-rate": "lr alpha step-size stepsize lrate eta center-learning-rate",
    "learning-rate-decay": "lr-decay lrate-decay",
    "population-size": "popsize pop-size pop population lambda members num-members n-envs num-envs num-actors envs",
    "generations": "total-timesteps timesteps num-timesteps total-steps iterations iters iteration n-iter "
    "num-iterations num-iters epochs n-epochs num-epochs num-generations n-generations gens "
    "maxiter max-iter max-generations steps",
    "env": "env-id env-name environment task game gym-id",
    "env-options": "env-kwargs env-args env-config env-params",
    "workers": "num-workers n-workers n-jobs jobs processes num-processes nproc num-rollout-workers num-env-runners",
    "cpus-per-worker": "cpus num-cpus n-cpus cpu cores num-cores",
    "gpus-per-worker": "gpus num-gpus n-gpus gpu",
    "sigma": "std stddev stdev std-dev noise noise-std noise-stdev stdev-init sigma-init init-std perturbation-scale",
    "sigma-decay": "std-decay noise-decay stdev-decay",
    "optimizer": "optim optimiser opt optimizer-name",
    "hidden": "hidden-sizes hidden-size hidden-layers hidden-dim hidden-dims net-arch layers width num-units",
    "policy": "network net model arch policy-type",
    "test-episodes": "eval-episodes n-eval-episodes num-eval-episodes",
    "test-every": "eval-freq eval-every eval-interval test-freq test-interval num-test-interval",
    "checkpoint-every": "save-freq save-every save-interval checkpoint-freq checkpoint-interval checkpoint-frequency",
    "run": "logdir log-dir out out-dir output-dir save-dir savedir dir folder run-name run-dir exp-name name",
    "output": "out outfile file",
    "seed": "random-seed rng-seed",
    "seeds": "num-seeds n-seeds repeats repetitions",
    "normalize-observations": "norm-obs normalize-obs normalise-observations obs-norm vec-normalize",
    "wandb": "wandb-project track wandb-project-name",
    "mlflow": "mlflow-experiment",
    "target": "goal reward-threshold target-reward target-return stop-reward threshold solve-score",
    "block-size": "batch-size batch chunk-size chunk minibatch-size",
    "address": "ray-address redis-address cluster head",
    "init-from": "init init-params pretrained load load-model warm-start",
    "shaping": "fitness-shaping ranking-method ranking rank-transform",
    "stochastic": "sample-actions",
    "episodes": "num-episodes n-episodes rollouts num-rollouts num-tests n-repeat",
}


def suggest_option(option: str, known: Collection[str]) -> list[str]:
    """Returns options, without their dashes, that an unknown one may stand for; the best first, [] if there is none.

    Args:
      option: as it was typed, without dashes in front and with "-" for "_".
      known: options that there are.
    """
    named = [name for name, others in _CALLED_ELSEWHERE.items() if name in known and option in others.split()]
    return named[:2] or difflib.get_close_matches(option, sorted(known), 2, cutoff=0.7)


def suggest(word: str, known: Collection[str]) -> list[str]:
    """Returns those of some words that another one is close to, the closest first."""
    return difflib.get_close_matches(word, sorted(known), 2, cutoff=0.6)
