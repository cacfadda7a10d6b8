"""The command `convbert-edu`.

Each command imports what it needs when it runs.
"""

import click

from convbert_edu import __version__
from convbert_edu.cli.common import plain_errors
from convbert_edu.cli.convert import convert, export
from convbert_edu.cli.distil import distil
from convbert_edu.cli.finetune import finetune
from convbert_edu.cli.predict import predict
from convbert_edu.cli.pretrain import pack_data, pretrain


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="convbert-edu")
def main() -> None:
    """ConvBERT, step by step."""


@main.command()
def doctor() -> None:
    """Say what this machine has, what is missing and what to do about it."""
    from convbert_edu.extras.doctor import examine

    findings = examine()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        mark = "MISSING" if finding.essential else "to do" if finding.remedy else "ok"
        click.echo(f"{mark:<8} {finding.what:<{width}}  {finding.value}")
        if finding.remedy:
            click.echo(f"{'':<8} {'':<{width}}  -> {finding.remedy}")
    if any(finding.essential for finding in findings):
        raise click.ClickException("nothing will work before what is marked MISSING is put right.")
    to_do = any(finding.remedy for finding in findings)
    click.echo(
        "Nothing essential is missing; see what is to do." if to_do else "All that is needed is there."
    )


@main.group()
def data() -> None:
    """List and fetch the texts that the lessons use."""


@data.command("list")
def list_data() -> None:
    """Show each source of text: whether it is cached, what it is and under which licence."""
    from convbert_edu.data import SOURCES, cache_folder
    from convbert_edu.data.datasets.sources import MODEL_SOURCES, is_cached

    for source in (SOURCES | MODEL_SOURCES).values():
        state = "cached" if is_cached(source.name) else "not cached"
        click.echo(f"{source.name:<10} {state:<11} {source.what}")
        click.echo(f"{'':<22} {source.licence}; {source.citation}")
    click.echo(f"The cache is {cache_folder()}")


@data.command("fetch")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Fetch every source of text.")
def fetch_data(names: tuple[str, ...], everything: bool) -> None:
    """Download the sources called NAMES into the cache, unless they are there already."""
    from convbert_edu.data import SOURCES, fetch

    if everything == bool(names):
        raise click.UsageError(f"give either names ({', '.join(SOURCES)}) or --all")
    with plain_errors():
        for name in SOURCES if everything else names:
            click.echo(f"{name}: {fetch(name)}")


data.add_command(pack_data)
main.add_command(pretrain)
main.add_command(distil)
main.add_command(finetune)
main.add_command(predict)
main.add_command(convert)
main.add_command(export)
