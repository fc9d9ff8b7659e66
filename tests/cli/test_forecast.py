"""`eggroll-ray plan`: takes what `train` takes, prints a forecast, refuses what cannot be."""

import pytest

from eggroll_ray.cli.app import main

pytestmark = pytest.mark.usefixtures("compile_quickly")

SMALL = "plan --env gymnax/CartPole-v1 --population-size 16 --hidden 4 --law rademacher".split()


def test_plan_predicts_this_machine(capsys):
    assert main([*SMALL, *"--devices 1 8 --generation-seconds 60 --block-size 8".split()]) == 0
    out = capsys.readouterr().out
    assert "16 members in 2 blocks of 8, on this machine" in out and "NOT measured" not in out
    assert "member-steps per second" in out and "What limits is" in out and "Members of a generation of 60 s" in out


def test_plan_predicts_another_device(capsys):
    assert main([*SMALL, "--device", "H100", "--devices", "64", "--split-update"]) == 0
    out = capsys.readouterr().out
    assert "on H100" in out and "NOT measured" in out and "not built yet" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--devices", "0"], "devices=(0,) must name at least one"),
        (["--population-size", "3"], "population_size=3 must be even"),
        (["--generation-seconds", "0"], "generation_seconds=0.0 must be positive"),
        (["--env", "nowhere/Nothing"], "unknown environment"),
        (["--block-size", "auto", "--device", "H100"], "block_size='auto' is found by timing"),
        (["--sigma", "0"], "sigma=0.0 must be positive"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(capsys, options, message):
    assert main([*SMALL, *options]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
