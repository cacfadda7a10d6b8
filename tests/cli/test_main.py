"""The command line: what it prints, and its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convbert_edu import __version__
from convbert_edu.cli.main import main
from convbert_edu.data import SOURCES


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_installed_command_runs():
    command = Path(sys.executable).with_name("convbert-edu")
    result = subprocess.run([command, "doctor"], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert "torch" in result.stdout
    assert "free memory" in result.stdout


def test_version_and_help():
    assert run("--version").output.strip() == f"convbert-edu, version {__version__}"
    assert "doctor" in run("--help").output


def test_doctor_shows_what_to_do_and_still_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path))
    result = run("doctor")
    assert result.exit_code == 0
    assert "-> run `convbert-edu data fetch reviews`" in result.output
    assert "Nothing essential is missing" in result.output


def test_doctor_fails_when_something_essential_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("convbert_edu.extras.doctor.requires", lambda name: ["no-such-package>=1"])
    result = run("doctor")
    assert result.exit_code == 1
    assert "MISSING  no-such-package" in result.output


def test_data_list_names_every_source_with_its_licence():
    result = run("data", "list")
    assert result.exit_code == 0
    for source in SOURCES.values():
        assert source.name in result.output
        assert source.licence in result.output


def test_data_fetch_prints_where_the_file_is():
    result = run("data", "fetch", "reviews")
    assert result.exit_code == 0
    assert SOURCES["reviews"].filename in result.output


def test_data_fetch_all_goes_through_the_table(monkeypatch: pytest.MonkeyPatch):
    # Only what all tests may ask for; the other sources may not be cached here.
    cached = {name: SOURCES[name] for name in ("reviews", "wikipedia", "factbook")}
    monkeypatch.setattr("convbert_edu.data.SOURCES", cached)
    result = run("data", "fetch", "--all")
    assert [line.partition(":")[0] for line in result.output.splitlines()] == [
        "reviews",
        "wikipedia",
        "factbook",
    ]


def test_data_fetch_needs_names_or_all():
    for arguments in ([], ["reviews", "--all"]):
        result = run("data", "fetch", *arguments)
        assert result.exit_code == 2
        assert "give either names (reviews, wikipedia, factbook, tweets, recipes) or --all" in result.output


def test_an_error_is_one_message_without_a_traceback():
    result = run("data", "fetch", "revews")
    assert result.exit_code == 1
    assert result.output.startswith("Error: there is no data source 'revews'")
    assert "Traceback" not in result.output
