"""`--init-from`: a run of the command line that begins with the parameters of another one."""

import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.cli import fit
from eggroll_ray.cli.app import main
from eggroll_ray.es.digest import digest
from eggroll_ray.runs.metrics import read_metrics

MODULE = """
import numpy as np
import eggroll_ray as er

score = er.from_fitness(lambda p, key: -((p["x"] - 1.0) ** 2).sum(), {"x": np.zeros(2, np.float32)})
"""


@pytest.mark.usefixtures("compile_quickly")
def test_a_run_of_the_command_line_begins_with_the_parameters_of_another(tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "write_report", lambda run: "not drawn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "init_from_things.py").write_text(MODULE)
    own = "--fitness init_from_things:score --population-size 4 --workers 0 --no-render --test-episodes 1".split()
    assert main(["train", *own, "--generations", "2", "--run", "old"]) == 0
    assert main(["train", *own, "--generations", "1", "--run", "new", "--seed", "5", "--init-from", "old"]) == 0
    old, new = er.load_params("old", 2), er.load_params("new", 0, trust_env="init_from_things:score")
    assert digest(new) == digest(old) and old["x"].all()
    first = next(row for row in read_metrics(tmp_path / "new/metrics.jsonl") if "event" not in row)
    np.testing.assert_allclose(first["mean_policy_return"], -((old["x"] - 1) ** 2).sum(), rtol=1e-5)
