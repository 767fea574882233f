"""`sketchkit canvas`."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(epilog="Example: sketchkit canvas --model doodle --port 8000")
def canvas(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A model, or a model's file, to begin with; may be given again. All models of the store are "
            "offered besides.",
            show_default="doodle",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen. Others reach all but 127.0.0.1 and ::1.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 0,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name by which browsers know the server; may be given again."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write events to stderr as JSON, one a line.")] = False,
) -> None:
    """Draw on a page in the browser, and let a model draw with you.

    The address of the page, with the secret that opens it, is printed on a line. Ctrl-C ends the server.
    """
    # Everything heavy is imported here: help needs none of it.
    from sketchkit_canvas.logs import Log
    from sketchkit_canvas.server import Settings, run

    settings = Settings(model or (), host, port, open_page, allow_host or ())
    run(settings, Log(as_json=json))
