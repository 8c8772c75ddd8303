"""`delineate review`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from delineate.cli.console import Console
from delineate.cli.options import AsJson, Overwrite, Quiet
from delineate.cli.tables import columns, counted
from delineate.core.errors import SettingsError


def review(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="AUDIT", help="Folder of an audit, or its review.sqlite.", show_default=False
        ),
    ],
    *,
    show: Annotated[
        str | None,
        typer.Option("--show", metavar="ID", help="One finding with all its evidence."),
    ] = None,
    decide: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--decide",
            metavar="ID ACTION",
            help="keep_one, keep_both, union, intersection, majority, replace, drop, not_a_twin, "
            "or keep; --show ID says which of them fit. The beginning of an id is enough.",
        ),
    ] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(
            "--sample",
            metavar="S",
            help="The sample that keep_one keeps, drop leaves out (repeatable), or whose mask "
            "replace replaces.",
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option("--mask", metavar="FILE", help="The mask that replace puts in place."),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(
            "--masks",
            metavar="ENCODING",
            help="How the masks that are given are encoded, where that is not certain.",
        ),
    ] = None,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason.")] = "",
    who: Annotated[
        str,
        typer.Option("--who", metavar="NAME", help="Who decides; the user where not given."),
    ] = "",
    from_table: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CSV",
            help="Take over many decisions: columns finding, action, and perhaps sample, mask, "
            "why, who. All rows, or none where one is wrong.",
        ),
    ] = None,
    undo: Annotated[
        int | None,
        typer.Option("--undo", metavar="N", min=1, help="Take decision N back; both stay logged."),
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help="Every decision that was taken, and taken back.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export", metavar="CSV", help="Write the findings as a table to fill in for --from."
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only findings of this kind.")
    ] = None,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only findings on which nothing is decided.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """List what an audit found, and decide about it.

    Without further options the findings are listed, the worst of each kind first. Decisions
    are added to review.sqlite and never deleted, only undone; images and masks themselves
    are not touched. `train`, `evaluate`, `score` and `split` carry them out with --review.
    """
    _require_one(
        {"--show": show, "--decide": decide, "--from": from_table, "--undo": undo,
         "--log": log or None, "--export": export}
    )  # fmt: skip
    _require_with("--decide", decide, {"--sample": sample})
    _require_with("--decide ID replace", decide and decide[1] == "replace", {"--mask": mask})
    _require_with("--decide, --from or --undo", decide or from_table or undo, {"--who": who})
    _require_with("--decide or --undo", decide or undo, {"--why": why})
    _require_with("--decide or --from", decide or from_table, {"--masks": masks})
    _require_with("--export", export, {"--overwrite": overwrite})
    is_listing = not (show or decide or from_table or undo or log)
    _require_with("a list or --export", is_listing, {"--kind": kind, "--open": open_only})
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: "nothing was decided"):
        from delineate.workflows import review as work

        if show is not None:
            result = work.show(source, show)
            lines = columns(work.show_table(result.document))
        elif decide is not None:
            result = work.decide(
                source, *decide, samples=sample or (), mask=mask, encoding=masks, who=who, why=why
            )
            lines = columns(work.history_table(result.document))
        elif from_table is not None:
            result = work.decide_from_table(source, from_table, encoding=masks, who=who)
            added = counted(len(result.document["decisions"]), "new decision")
            lines = columns(work.history_table(result.document))
            lines.append(f"{added}; {work.summary(result.document)}")
        elif undo is not None:
            result = work.undo(source, undo, who=who, why=why)
            lines = columns(work.history_table(result.document))
        elif log:
            result = work.history(source)
            lines = columns(work.history_table(result.document))
        elif export is not None:
            result = work.export_table(
                source, export, kind=kind, open_only=open_only, overwrite=overwrite
            )
            lines = []
        else:
            result = work.listing(source, kind=kind, open_only=open_only)
            lines = [*columns(work.listing_table(result.document)), work.summary(result.document)]
    console.finish(result, lines)


def _require_one(given: Mapping[str, Any]) -> None:
    found = [name for name, value in given.items() if value is not None]
    if len(found) > 1:
        raise SettingsError(f"{' and '.join(found)}: expected one of these at a time")


def _require_with(needed: str, is_there: Any, given: Mapping[str, Any]) -> None:
    found = [name for name, value in given.items() if value]
    if found and not is_there:
        raise SettingsError(f"{found[0]}: goes with {needed}; add it, or leave {found[0]} out")
