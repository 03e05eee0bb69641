"""The command line `limner`.

Each module holds the commands of one kind; `app` puts them together. What is heavy is imported inside the commands, so
that `limner --help` answers at once.
"""

from limner.apps.cli.app import app, main

__all__ = ["app", "main"]
