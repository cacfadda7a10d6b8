"""What all commands do with an error that explains itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show an error that explains itself as one message instead of a traceback, and exit with code 1."""
    try:
        yield
    except (ValueError, ArithmeticError, OSError, ImportError) as error:
        raise click.ClickException(str(error)) from error
