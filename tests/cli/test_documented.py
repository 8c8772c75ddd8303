"""Every verb and option is documented, and everything documented exists."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest
import typer

from delineate.cli.main import VERBS, app
from delineate.web.running import Server

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
OPTION = re.compile(r"`(--[a-z-]+)")


def sections():
    """Heading -> text of each section of the page."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def command_of(words):
    """The command that one or several words stand for, and the words that are left."""
    command, rest = typer.main.get_command(app), list(words)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    return command, rest


def options_of(verb):
    """Every option of a verb, both forms of those that have two."""
    command, _ = command_of(verb.split())
    context = command.make_context(f"delineate {verb}", [], resilient_parsing=True)
    return {
        name
        for parameter in command.get_params(context)
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }


def explained_in(text):
    """The options that have a row of their own in a table."""
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `--")]
    return {name for row in rows for name in OPTION.findall(row)}


def test_every_verb_has_a_section():
    """The page has a section for every verb, and for none that does not exist."""
    headings = [name.partition(" ") for name in sections()]
    documented = [verb for program, _, verb in headings if program == "delineate"]
    assert documented == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_documented(verb):
    """A verb's section names exactly its options, and each is explained there or as shared."""
    text, shared = sections()[f"delineate {verb}"], sections()["What all verbs have in common"]
    (line,) = [line for line in text.splitlines() if line.startswith("Shared: ")]
    named = set(OPTION.findall(line))
    assert explained_in(text) | named == options_of(verb)
    assert explained_in(text) & named == set()
    assert named <= explained_in(shared)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_with_its_output(verb):
    """A verb's section shows a call of it and what that prints."""
    text = sections()[f"delineate {verb}"]
    assert re.search(rf"^\$ delineate {verb} .*\n[^`$]", text, flags=re.MULTILINE)


def examples():
    """Every call of the program that the page shows and that is meant to work."""
    lines = PAGE.read_text(encoding="utf-8").partition("## When something is wrong")[0]
    return re.findall(r"^\$ delineate (.+)$(?!\nerror: )", lines, flags=re.MULTILINE)


@pytest.mark.parametrize("example", examples())
def test_examples_can_be_typed(example):
    """The calls that are shown are understood by the program."""
    command, arguments = command_of(shlex.split(example))
    command.make_context("delineate", arguments)


def test_examples_write_where_nothing_is_yet():
    """No two calls of the page have one folder to write to, for the second would be refused."""
    calls = [shlex.split(example) for example in examples()]
    folders = [call[call.index("--out") + 1] for call in calls if "--out" in call]
    assert len(folders) > 20
    assert sorted(set(folders)) == sorted(folders)


def test_errors_are_shown_as_they_are(delineate, pairs, monkeypatch):
    """The page's wrong calls print what the page says."""
    monkeypatch.chdir(pairs.parent)
    pairs.rename("eyes")
    delineate("inspect", "eyes", "--out", "look")
    text = sections()["When something is wrong"]
    shown = re.findall(r"^\$ delineate (.+)\n(error: .+)$", text, flags=re.MULTILINE)
    assert len(shown) >= 4
    for call, said in shown:
        assert delineate(*shlex.split(call)).stderr == said + "\n"


def stopped_by_signal(startup):
    """The start of a server that is asked to stop as soon as it takes requests."""

    async def start(server, sockets=None):
        await startup(server, sockets)
        signal.raise_signal(signal.SIGTERM)

    return start


@pytest.mark.slow
def test_examples_run_from_top_to_bottom(
    delineate, chexnet_layers, write_keras2, tmp_path, monkeypatch
):
    """Every call that is shown succeeds in the order of the page, but for the training's time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Server, "startup", stopped_by_signal(Server.startup))
    write_keras2(tmp_path / "chexnet.h5", chexnet_layers)
    calls = [shlex.split(example) for example in examples()]
    for call in sorted(calls, key=lambda words: words[0] == "score"):
        assert delineate(*call).exit_code in (0, 1 if call[0] == "demo" else 0), call


def test_import_of_weights_prints_what_the_page_says(
    delineate, chexnet_layers, write_keras2, tmp_path, monkeypatch
):
    """The example that nothing else on the page prepares prints every line as shown."""
    monkeypatch.chdir(tmp_path)
    write_keras2(tmp_path / "chexnet.h5", chexnet_layers)
    text = sections()["delineate weights import"]
    call, shown = re.search(r"^\$ delineate (.+)\n((?:[^`]+\n)+)```", text, re.MULTILINE).groups()
    assert delineate(*shlex.split(call)).stdout == shown
