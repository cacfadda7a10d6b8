"""How long `import convbert_edu` takes beside `import torch`, which it includes.

Every import is a process of its own; the two take turns, and a first round, which fills the caches, is not counted.
Compiled Python files are kept in a folder of this run, even where the environment forbids them, as they are kept
for everybody who imports a package twice.
"""

import os
import subprocess
import sys
import tempfile

import click

from common import compare, print_table, write_json

MODULES = ("torch", "convbert_edu")


@click.command()
@click.option("--repeats", default=15, help="Timed processes of each kind.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, output: str | None) -> None:
    """Time both imports and print a table."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def importing(module: str) -> None:
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)

        results = compare({module: lambda module=module: importing(module) for module in MODULES}, repeats)
    print_table("import, in a fresh process", results, baseline="torch")
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
