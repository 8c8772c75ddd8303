"""The program `delineate`: one verb a file, each of which loads its work when it is called."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from delineate.cli import (
    audit,
    demo,
    evaluate,
    inspect,
    measure,
    phantoms,
    plan,
    predict,
    queue,
    review,
    score,
    serve,
    split,
    study,
    train,
    weights,
)
from delineate.cli.console import INTERRUPTED, WRONG_USAGE, complain, forget, leave_interrupted
from delineate.cli.groups import Verbs, group
from delineate.core.errors import DelineateError

# typer's base of all usage errors: click's own in older versions, a copy of it in newer ones.
UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]


class Program(Verbs):
    """All verbs, with every error that a user can mend in one line and exit code 2.

    Anything else is our mistake and keeps its plain traceback.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Parse, work, and leave with the exit code."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except DelineateError as error:
            code = _refuse(str(error))
        except UsageProblem as error:
            code = _refuse(_usage(error))
        except typer.Abort:
            code = INTERRUPTED
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            forget(sys.stdout)
            code = 0
        if not standalone_mode:
            return code
        return sys.exit(code if isinstance(code, int) else 0)


def _refuse(reason: str) -> int:
    complain(f"error: {reason}")
    return WRONG_USAGE


def _usage(error: Any) -> str:
    """The problem in one line, with the nearest option and the place where help is."""
    where = error.ctx.command_path if getattr(error, "ctx", None) else "delineate"
    nearest = getattr(error, "possibilities", None)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    message = error.message if nearest else error.format_message()
    message = " ".join(message.split()).rstrip(".").replace(": Value error, ", ": ")
    return f"{message}{hint} (help: {where} --help)"


app = typer.Typer(
    name="delineate",
    cls=Program,
    help="From a folder of images and masks to a segmentation model whose numbers you can believe.",
    epilog="delineate VERB --help explains a verb; docs/commands.md shows each at work.",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    # Boxes and colours would load rich before a single word of help is printed.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from delineate import __version__

        typer.echo(f"delineate {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


VERBS: dict[str, Callable[..., None]] = {
    "inspect": inspect.inspect,
    "audit": audit.audit,
    "review": review.review,
    "split": split.split,
    "plan": plan.plan,
    "train": train.train,
    "evaluate": evaluate.evaluate,
    "score": score.score,
    "predict": predict.predict,
    "measure": measure.measure,
    "queue": queue.queue,
    "serve": serve.serve,
    "study": study.study,
    "phantoms": phantoms.phantoms,
    "demo": demo.demo,
    "weights import": weights.import_weights,
}
GROUPS = {"weights": group("Take over weights that other programs made.")}
for _name, _verb in VERBS.items():
    _group, _, _last = _name.rpartition(" ")
    (GROUPS[_group] if _group else app).command(_last)(_verb)
for _name, _verbs in GROUPS.items():
    app.add_typer(_verbs, name=_name)


def run() -> None:
    """The entry point of the installed program."""
    try:
        app(prog_name="delineate")
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            leave_interrupted()
        raise
