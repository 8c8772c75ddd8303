"""Verbs together: all of the program's, or those under one word such as `weights`."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from delineate.core.errors import unknown_name


class Verbs(TyperGroup):
    """Verbs by name; one that does not exist is refused with the nearest proposed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that is asked for, or the nearest one proposed."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            above = f"{ctx.info_name} " if ctx.parent else ""
            known = [f"{above}{name}" for name in self.commands]
            raise unknown_name("verb", f"{above}{args[0]}", known)
        return super().resolve_command(ctx, args)


def group(explanation: str) -> typer.Typer:
    """A word with verbs of its own; alone it shows them."""
    verbs = typer.Typer(cls=Verbs, help=explanation, rich_markup_mode=None)

    @verbs.callback(invoke_without_command=True)
    def show(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return verbs
