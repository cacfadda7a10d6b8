"""The committed form of a lesson keeps what readers see and drops what belongs to one machine."""

import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from normalise import ROOT, main, normalise


def executed():
    """A notebook as an editor leaves it."""
    figure = new_output(
        "display_data",
        {"image/png": "iVBORw0KGgo=", "text/plain": "words"},
        metadata={"image/png": {"alt": "words"}},
    )
    streams = [
        new_output("stream", name="stdout", text="a\n"),
        new_output("stream", name="stdout", text="b\n"),
    ]
    paths = new_output(
        "stream", name="stdout", text=f"{sys.prefix}/lib/x.py:1\n{ROOT}/convbert_edu/config.py:2\n"
    )
    cells = [
        new_markdown_cell("# Title", metadata={"editable": True}),
        new_code_cell("never run"),
        new_code_cell(
            "print('a'); print('b')",
            execution_count=7,
            outputs=[*streams, paths],
            metadata={
                "tags": ["nbval-ignore-output"],
                "execution": {"iopub.execute_input": "now"},
                "vscode": {"languageId": "python"},
            },
        ),
        new_code_cell(
            "1 + 1",
            execution_count=9,
            outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=9), figure],
        ),
    ]
    metadata = {
        "kernelspec": {"name": "venv311", "display_name": "mine"},
        "language_info": {"name": "python", "version": "3.11.7"},
        "vscode": {"interpreter": str(Path.home())},
    }
    return new_notebook(cells=cells, metadata=metadata)


def test_outputs_and_tags_stay():
    notebook = normalise(executed())
    assert notebook.cells[2].metadata == {"tags": ["nbval-ignore-output"]}
    assert notebook.cells[2].outputs[0].text.startswith("a\nb\n")
    assert notebook.cells[3].outputs[0].data["text/plain"] == "2"
    assert notebook.cells[3].outputs[1].data["image/png"] == "iVBORw0KGgo="
    assert notebook.cells[3].outputs[1].metadata == {"image/png": {"alt": "words"}}


def test_counts_run_from_one_and_a_cell_that_never_ran_stays_so():
    notebook = normalise(executed())
    assert [cell.execution_count for cell in notebook.cells[1:]] == [None, 1, 2]
    assert notebook.cells[3].outputs[0].execution_count == 2


def test_traces_of_the_machine_and_the_editor_go():
    notebook = normalise(executed())
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    assert notebook.cells[2].outputs[0].text == "a\nb\n.venv/lib/x.py:1\nconvbert_edu/config.py:2\n"
    assert notebook.cells[0].metadata == {}
    assert [cell.id for cell in notebook.cells] == ["cell-000", "cell-001", "cell-002", "cell-003"]


def test_progress_bars_go_and_what_stands_beside_them_stays():
    bar = "\rtraining:   0%| | 0/2\rtraining: 100%|#| 2/2\n"
    streams = [
        new_output("stream", name="stdout", text=f"a line\n{bar}{bar}another\n"),
        new_output("stream", name="stderr", text=f"{bar}\n"),
        new_output("stream", name="stdout", text="\n2 steps\n"),
        new_output("stream", name="stderr", text=bar),
        new_output("stream", name="stdout", text="done\n"),
    ]
    notebook = normalise(new_notebook(cells=[new_code_cell("x", execution_count=1, outputs=streams)]))
    (output,) = notebook.cells[0].outputs
    assert (output.name, output.text) == ("stdout", "a line\nanother\n\n2 steps\ndone\n")


def test_a_lesson_that_wrote_to_stderr_is_refused_by_cell_and_message(tmp_path):
    warning = new_output("stream", name="stderr", text="USDT: profiler_start\n")
    cells = [new_code_cell("1", execution_count=1), new_code_cell("2", execution_count=2, outputs=[warning])]
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"lesson\.ipynb: cell-001 wrote to stderr: 'USDT: profiler_start"):
        main([str(path)])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"jupyter": {"outputs_hidden": True}}, {"jupyter": {"outputs_hidden": True}}),
        ({"jupyter": {"outputs_hidden": True, "source_hidden": True}}, {"jupyter": {"outputs_hidden": True}}),
        ({"jupyter": {"outputs_hidden": False}}, {}),
        ({"jupyter": {"source_hidden": True}, "collapsed": True}, {}),
        (
            {"tags": ["hide-output"], "jupyter": {"outputs_hidden": True}, "scrolled": True},
            {"tags": ["hide-output"], "jupyter": {"outputs_hidden": True}},
        ),
    ],
)
def test_a_folded_output_stays_folded_and_the_rest_of_the_editor_goes(before, after):
    cell = new_code_cell("x", execution_count=1, metadata=before)
    assert normalise(new_notebook(cells=[cell])).cells[0].metadata == after


def test_a_second_run_changes_nothing(tmp_path, capsys):
    path = tmp_path / "lesson.ipynb"
    nbformat.write(executed(), path)
    main([str(path)])
    once = path.read_bytes()
    assert "normalised" in capsys.readouterr().out
    main([str(path)])
    assert path.read_bytes() == once
    assert capsys.readouterr().out == ""
    nbformat.validate(nbformat.read(path, as_version=4))


def test_the_notebook_given_is_left_as_it_was():
    notebook = executed()
    normalise(notebook)
    assert notebook.metadata.kernelspec.name == "venv311"
    assert notebook.cells[2].execution_count == 7


def test_of_controls_with_a_picture_the_picture_stays():
    widget = "application/vnd.jupyter.widget-view+json"
    both = new_output("display_data", {"image/png": "iVBORw0KGgo=", widget: {"model_id": "1"}})
    alone = new_output("display_data", {widget: {"model_id": "2"}})
    notebook = normalise(new_notebook(cells=[new_code_cell("x", execution_count=1, outputs=[both, alone])]))
    first, second = notebook.cells[0].outputs
    assert first.data == {"image/png": "iVBORw0KGgo="}
    assert widget in second.data  # a test of the lessons refuses it
