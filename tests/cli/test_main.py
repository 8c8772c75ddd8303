"""The program as a whole: verbs, usage errors, exit codes."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from delineate import __version__
from delineate.cli.main import VERBS, app, run
from delineate.core.errors import LayoutError


def refused(delineate, *arguments):
    """The one line of an attempt that must end with exit code 2."""
    result = delineate(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_no_arguments_shows_the_verbs(delineate):
    """Called alone, the program lists every verb and what it does."""
    result = delineate()
    assert result.exit_code == 0
    shown = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    words = [name.split()[0] for name in VERBS]
    assert [word for word in shown if word in words] == words


def test_descriptions_fit_the_line(delineate):
    """No description in the list of verbs is cut off."""
    assert "..." not in delineate("--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(delineate, verb):
    """Every verb has a help page that names each of its options."""
    result = delineate(*verb.split(), "-h")
    assert result.exit_code == 0
    assert f"Usage: delineate {verb}" in result.stdout
    assert "--quiet" in result.stdout
    assert "--json" in result.stdout


def test_version(delineate):
    """The version is that of the package."""
    assert delineate("--version").stdout == f"delineate {__version__}\n"


@pytest.mark.parametrize(("typo", "meant"), [("trian", "train"), ("eval", "evaluate")])
def test_a_typo_in_a_verb_proposes_the_nearest(delineate, typo, meant):
    """A verb that does not exist is refused with the nearest one."""
    assert f"error: unknown verb '{typo}'; did you mean '{meant}'?" in refused(delineate, typo)


def test_a_verb_like_no_other_lists_them_all(delineate):
    """A word that resembles no verb gets the list."""
    assert "Known: audit, demo, evaluate, inspect, measure, phantoms, plan" in refused(
        delineate, "xyzzy"
    )


def test_a_group_alone_shows_its_verbs(delineate):
    """A word with verbs of its own explains them when it is called alone."""
    result = delineate("weights")
    assert result.exit_code == 0
    assert "Usage: delineate weights" in result.stdout
    assert "import  Turn Keras weights into safetensors" in result.stdout
    assert result.stderr == ""


def test_a_typo_in_a_verb_of_a_group_proposes_the_nearest(delineate):
    """A verb that a group does not have is refused with the nearest, both words named."""
    line = refused(delineate, "weights", "imprt", "x.h5")
    assert line.startswith("error: unknown verb 'weights imprt'; did you mean 'weights import'?")


def test_a_typo_in_an_option_proposes_the_nearest(delineate):
    """An option that does not exist is refused with the nearest one."""
    line = refused(delineate, "train", "--minutse", "3")
    assert line.startswith("error: No such option: --minutse; did you mean --minutes?")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train"], "Missing argument 'DATA'"),
        (["train", "x"], "Missing option '--out'"),
        (["train", "x", "--out", "y", "--minutes", "soon"], "Invalid value for '--minutes'"),
        (["inspect", "x", "--out", "y", "--seed", "-1"], "Invalid value for '--seed'"),
        (["evaluate", "x", "--palette", "vesel"], "'vesel' is not one of 'default', 'nerve'"),
        (["predict", "x", "y", "--out", "z", "--device", "tpu"], "'tpu' is not one of 'auto'"),
    ],
)
def test_wrong_usage_is_one_line(delineate, arguments, said):
    """Wrong usage is one line that ends with the place where help is."""
    line = refused(delineate, *arguments)
    assert line.startswith("error: ")
    assert said in line
    assert line.endswith(f"(help: delineate {arguments[0]} --help)")


def test_a_delineate_error_is_one_line(delineate, monkeypatch):
    """What a user can mend is printed without a traceback, and nothing goes to standard output."""

    def refuse(*_, **__):
        raise LayoutError("here: expected a, found b; do c")

    monkeypatch.setattr("delineate.workflows.inspect.inspect", refuse)
    line = refused(delineate, "inspect", "x", "--out", "y")
    assert line == "error: here: expected a, found b; do c"


def test_a_bug_keeps_its_traceback(monkeypatch):
    """Anything but an error of ours leaves the program as it is."""

    def break_down(*_, **__):
        raise ZeroDivisionError("our mistake")

    monkeypatch.setattr("delineate.workflows.inspect.inspect", break_down)
    result = CliRunner().invoke(app, ["inspect", "x", "--out", "y"])
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.stderr == ""


def test_entry_point_leaves_with_the_exit_code(monkeypatch):
    """The installed program ends with the code of its verb."""
    monkeypatch.setattr("sys.argv", ["delineate", "--version"])
    with pytest.raises(SystemExit, match=r"^0$"):
        run()
