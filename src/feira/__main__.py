"""`python -m feira` is `feira`."""

from feira.cli.main import app

app()
