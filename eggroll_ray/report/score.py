"""What the score of a run is, and how far it can be trusted."""

from collections.abc import Mapping
from typing import Any

from eggroll_ray.report.text import printable
from eggroll_ray.runs.history import History


def mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns the settings of this name, which may be anything in a file of somebody else: {} if it is no mapping."""
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def in_line(text: str) -> str:
    """Makes any text safe in a line of a figure."""
    return " ".join(printable(text).split())


def environment_of(run: History) -> str:
    """Returns the id of a run's environment, or the name of its fitness, or that of the folder."""
    evaluator = mapping(mapping(run.config, "settings"), "evaluator")
    for where in (run.config, evaluator):
        for key in ("env", "fitness"):
            name = where.get(key)
            name = name.get("name") if isinstance(name, Mapping) else name
            if name:
                return in_line(str(name))
    return in_line(run.path.resolve().name)


def moving_score(run: History) -> str:
    """Says why scores of different generations are of different measures; "" where they are of one."""
    if run.is_self_play:
        return "It is measured against earlier generations of the same run, which get better as well"
    groups = mapping(run.config, "settings").get("groups")
    if isinstance(groups, int) and groups > 1:
        return f"It is the mean of {groups} groups that learn at the same time, each measured among the others"
    return ""
