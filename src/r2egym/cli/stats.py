"""`r2egym stats`."""

import typer

app = typer.Typer()


@app.command()
def stats(source: str) -> None:
    """Show what a dataset holds."""
    print(source)
