"""What is said of commands and options that there are not, and that all commands are listed and can be loaded."""

import pytest

from eggroll_ray.cli.app import COMMANDS, main
from eggroll_ray.cli.arguments import option_names
from eggroll_ray.cli.suggest import _CALLED_ELSEWHERE, suggest_option


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("trian", "no command 'trian'; did you mean train?"),
        ("xyzzy", "there are train, resume"),
        ("train --lr 3", "no option --lr; did you mean --learning-rate?"),
        ("train --env a/b --populationsize 4", "did you mean --population-size?"),
        ("train --env a/b --no-rendr", "did you mean --no-render or --render?"),
        ("train -s 3", "train has no option -s"),
        ("train gymnax/CartPole-v1 --seed 1", "did you mean --env gymnax/CartPole-v1?"),
        ("train --seed 1", "an environment is needed, such as --env gymnax/CartPole-v1"),
        ("train --env", "--env needs a value"),
        ("train --env a/b --population-size many", "--population-size: 'many' is not a whole number"),
        ("train --env a/b --sigma much", "--sigma: 'much' is not a number"),
        ("train --env a/b --optimizer lion", "invalid choice 'lion' for argument '--optimizer'"),
        ("resume", "resume needs PATH: The run folder."),
    ],
)
def test_what_is_wrong_with_the_arguments_is_said_in_one_line(capsys, arguments, said):
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert said in err and out == "" and len(err.splitlines()) == 1


def test_what_an_option_is_called_elsewhere_leads_to_it():
    known = option_names(COMMANDS["train"].load()[0])
    for name, others in _CALLED_ELSEWHERE.items():
        for other in others.split():
            assert other not in known, f"--{other} is an option: it means nothing else"
            assert name not in known or name in suggest_option(other, known)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_loaded_and_says_what_the_list_says(name, capsys):
    kind, function = COMMANDS[name].load()
    assert callable(function) and kind.__doc__
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert "130 stopped by a signal" in " ".join(capsys.readouterr().out.replace("│", "").split())


def test_the_help_lists_all_commands_and_the_exit_statuses(capsys):
    assert main(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert all(f" {name} {command.says}" in out for name, command in COMMANDS.items())
    assert "0 done, 1 target not reached or check failed, 2 error, 130 stopped" in out
    assert main([]) == 2


def test_the_version_names_what_a_report_of_a_fault_needs(capsys):
    assert main(["--version"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("eggroll-ray 0.1.0, jax ") and "Python 3." in out and len(out.splitlines()) == 1
