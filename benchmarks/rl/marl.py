"""The paper's multi-agent comparison: EGGROLL, OpenAI-ES and independent PPO in three cooperative tasks of JaxMARL.

    python -m benchmarks.rl.marl --env MPE_simple_spread_v3 --algo eggroll --budget 1e7   # adds to docs/marl.json
    python -m benchmarks.rl.marl --render                                                 # docs/marl.md, docs/marl.png

The settings are those of Tables 5-9. A run that exists with the same settings is not repeated.
"""

import dataclasses
import statistics
from pathlib import Path
from typing import Any

import tyro

import eggroll_ray as er
import envs
from benchmarks.rl import rl_figures, rl_rows
from benchmarks.rl.marl_learners import ACTIVATIONS, NUM_STEPS, RejaxIPPO
from benchmarks.rl.rl_learners import Evolution, Learner
from benchmarks.rl.rl_run import Limits, describe, run
from benchmarks.rl.rl_settings import (
    ALGORITHMS,
    MULTI_AGENT_HIDDEN,
    MULTI_AGENT_TASKS,
    Algorithm,
    ESSettings,
    MultiAgentTask,
)
from benchmarks.shared.measured import provenance
from benchmarks.shared.page import DOCS, source_of_rows, table, write_page

NAMES = {"eggroll": "EGGROLL", "openai_es": "OpenAI-ES", "ppo": "IPPO"}
_INTRODUCTION = f"""\
# EGGROLL, OpenAI-ES and independent PPO with several agents

`python -m benchmarks.rl.marl` runs them and merges the rows into `docs/marl.json`; with `--render` it writes this page
from there. Settings are the paper's (Tables 5-9); IPPO is rejax's PPO given every agent as an environment. In all three
the agents of a task act by one network of {" x ".join(map(str, MULTI_AGENT_HIDDEN))}, shorter observations are padded,
and each agent counts with its own reward. A return is that of one agent (mean over agents and 128 fresh episodes of 25
steps), mean over the seeds, +- standard error; ES acts by its most likely action, IPPO samples. JaxMARL logs returns
times the number of agents, and which of the two the paper shows is not stated. Steps are those of environments, of the
whole population. Minutes are of training, compiling included and tests not.

What the paper leaves open, and what was chosen: the unit of the decay of the learning rate (over the whole run),
episodes per member (1), steps between two updates of IPPO ({NUM_STEPS}, JaxMARL's), whether agents share parameters
(yes, as JaxMARL's IPPO). Its results are after 5e8 steps on one A100: ours after fewer do not repeat them.
"""


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains, or renders what was found."""

    env: tuple[str, ...] = tuple(task.name for task in MULTI_AGENT_TASKS)
    """Tasks, with or without `jaxmarl/`."""
    algo: tuple[Algorithm, ...] = ALGORITHMS
    """Algorithms; ppo is independent PPO."""
    budget: float = 1e7
    """Environment steps of a run; the update that reaches it is the last one."""
    seeds: int = 3
    """Runs of each, with the seeds 0, 1, ..."""
    minutes: float | None = None
    """Wall time of a run, compiling and tests included; the update under way is ended first."""
    points: int = 20
    """Tests of the mean policy on the way, about."""
    block_size: int | None = None
    """Members evaluated together (ES); default: 128 with low-rank noise, 16 with dense noise."""
    render: bool = False
    """Write the page and the figure of the rows there are."""
    docs: Path = DOCS
    """Where the results are."""


def main(options: Options) -> None:
    """Does what the options say.

    Raises:
      ValueError: for another environment than the three, before any work starts.
    """
    path = options.docs / "marl.json"
    if options.render:
        record = rl_rows.load(path)
        rl_figures.draw(record, options.docs / "marl.png", names=NAMES)
        write_page(options.docs / "marl.md", page(record))
        return
    tasks = [find_task(env) for env in options.env]
    limits = Limits(int(options.budget), options.minutes, options.points)
    for task in tasks:
        for algo in options.algo:
            for seed in range(options.seeds):
                block = None if algo == "ppo" else options.block_size or {"eggroll": 128, "openai_es": 16}[algo]
                known = {
                    "env": task.name,
                    "algo": algo,
                    "seed": seed,
                    "budget": limits.budget,
                    "minutes": limits.minutes,
                    "test_episodes": limits.test_episodes,
                    "settings": settings(task, algo),
                    "block_size": block,
                }
                if rl_rows.is_done(rl_rows.load(path), known):
                    print(f"{task.name} {algo} seed {seed}: is there already")
                    continue
                found = run(make_learner(task, algo, limits.budget, seed, block), limits)
                row = known | {"source": f"Table {task.table}"} | found | provenance("jax", "jaxmarl", "rejax", "optax")
                rl_rows.save(path, [row])
                print(describe(row), flush=True)


def find_task(name: str) -> MultiAgentTask:
    """The task of an id.

    Raises:
      ValueError: when there is none.
    """
    for task in MULTI_AGENT_TASKS:
        if name in (task.name, task.name.partition("/")[2]):
            return task
    raise ValueError(f"env={name!r} is none of the paper's: {', '.join(task.name for task in MULTI_AGENT_TASKS)}.")


def settings(task: MultiAgentTask, algo: Algorithm) -> dict[str, Any]:
    """What a row says of its algorithm."""
    chosen = {"eggroll": task.eggroll, "openai_es": task.openai_es, "ppo": task.ippo}[algo]
    return dataclasses.asdict(chosen) | {"population_size": task.population_size}


def make_learner(task: MultiAgentTask, algo: Algorithm, budget: int, seed: int, block_size: int | None) -> Learner:
    """The algorithm in the task's environment.

    Args:
      task: the environment and its settings.
      algo: the algorithm.
      budget: environment steps of the run, over which the learning rate falls.
      seed: of everything random.
      block_size: members evaluated together (ES).
    """
    env = envs.make(task.name)
    if algo == "ppo":
        return RejaxIPPO(env, task.ippo, task.population_size, budget, seed)
    chosen = task.eggroll if algo == "eggroll" else task.openai_es
    generations = budget / (task.population_size * env.max_steps)
    return Evolution(
        env,
        ESSettings(
            deterministic=True,
            learning_rate=chosen.learning_rate,
            learning_rate_decay=chosen.learning_rate_decay ** (1 / generations),
            episodes=1,
            population_size=task.population_size,
            optimizer="adamw",
            rank=1 if algo == "eggroll" else None,
            rank_transform=chosen.rank_transform,
            sigma=chosen.sigma,
            sigma_decay=1.0,
        ),
        seed,
        block_size,
        er.mlp(MULTI_AGENT_HIDDEN, ACTIVATIONS[chosen.activation]),
    )


def page(record: dict[str, Any]) -> str:
    """The rows as Markdown."""
    heads = ("task", "steps", "algorithm", "seeds", "return of an agent", "times agents", "minutes", "steps/s")
    body = []
    for (env, budget), rows in rl_rows.groups(record).items():
        task = find_task(env)
        agents = len(envs.make(env).agents)
        for algo in ALGORITHMS:
            own = [row for row in rows if row["algo"] == algo]
            if not own:
                continue
            place = ("ppo", "openai_es", "eggroll").index(algo)  # in the paper's order
            minutes = statistics.median((row["seconds"] + row["compile_seconds"]) / 60 for row in own)
            final = statistics.fmean(row["final_return"] for row in own)
            cells = [
                env.removeprefix("jaxmarl/"),
                f"{budget:.3g}",
                NAMES[algo],
                str(len(own)),
                rl_rows.returns(own, "final_return"),
                f"{agents * final:.4g}",
                f"{minutes:.2f}",
                rl_rows.speed(own),
                f"{task.paper_final[place]:g}",
                f"{task.paper_minutes[place]:g}",
            ]
            body.append(cells)
    results = table((*heads, "paper: return", "paper: minutes"), body)
    return "\n".join([_INTRODUCTION, *results, "", source_of_rows(record["rows"]), "", "![Curves](marl.png)", ""])


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
