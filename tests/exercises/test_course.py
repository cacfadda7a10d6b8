"""A course: student versions without a line of a solution, and submissions of every kind, all graded."""

import csv
import json
import shutil
from pathlib import Path

import nbformat
import pytest

import course
from convbert_edu.exercises.definition import PRIVATE_VARIABLE, load_exercise
from course import Grade, Limits, build, grade_folder, most_points
from exercise_notebooks import handed_out, lessons
from page_reading import links

pytestmark = pytest.mark.slow

LESSON = "03"
# Generous for a busy machine; the submissions that need them are stopped by what they do.
LIMITS = Limits(cell_seconds=20, seconds=240, megabytes=1500)
RIGHT = {each.number: each.source for each in lessons()[LESSON]}
FULL = {number: most_points(load_exercise(number)) for number in RIGHT}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("course")
    build(made)
    return made


def submit(folder: Path, student: str, answers: dict[str, str], change=lambda notebook: None) -> Path:
    """Hand the student version in, with some answers written into it."""
    notebook = nbformat.read(folder / "student" / f"{LESSON}_exercises.ipynb", as_version=4)
    for cell in notebook.cells:
        number = cell.id.removeprefix("answer-").replace("-", ".")
        cell.source = answers.get(number, cell.source)
    change(notebook)
    path = folder / "submitted" / student / f"{LESSON}_exercises.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def graded(path: Path) -> dict[str, Grade]:
    return {each.exercise: each for each in course.grade_submission(path, LIMITS)}


def points(grades: dict[str, Grade]) -> dict[str, int]:
    return {number: each.points for number, each in grades.items()}


def test_student_versions_hold_no_line_of_a_solution(folder):
    for lesson, exercises in lessons().items():
        notebook = nbformat.read(folder / "student" / f"{lesson}_exercises.ipynb", as_version=4)
        for exercise in exercises:
            (cell,) = [
                each for each in notebook.cells if each.id == f"answer-{exercise.number.replace('.', '-')}"
            ]
            assert "raise NotImplementedError()" in cell.source
            bodies = set(exercise.source.splitlines()) - set(cell.source.splitlines())
            text = "\n".join(each.source for each in notebook.cells)
            assert not [line for line in bodies if len(line.strip()) > 30 and line.strip() in text]
        nbformat.validate(notebook)


def test_what_is_handed_out_has_no_link_into_the_repository_and_does_not_show_the_way_to_solutions(folder):
    paths = sorted(folder.glob("**/*_exercises.ipynb"))
    assert len(paths) == 2 * len(lessons())
    for path in paths:
        cells = nbformat.read(path, as_version=4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
        targets = [target for text in texts for _, target in links(text)]
        assert [target for target in targets if not target.startswith(("#", "https:"))] == []
        assert not [text for text in texts if "solutions/" in text]
        assert f"under the name that it has, `{path.name}`" in texts[0]
        assert texts[0].startswith("# Exercises")


def test_of_links_to_files_the_words_stay_and_all_else_is_as_it_was():
    kept = "`P[t](x)` and $S[t](x)$, [a page](https://arxiv.org), [below](#here), ![a picture](a.png)"
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\nTwo exercises.\n\n[lesson](../03_x.ipynb)"),
        nbformat.v4.new_markdown_cell(
            f"{kept}; [lesson 02](../02_y.ipynb#part) and `code` in [a list](z.md)."
        ),
        nbformat.v4.new_code_cell("links = 'of [code](stay.md)'"),
    ]
    opening, task, code = (
        cell.source for cell in handed_out(nbformat.v4.new_notebook(cells=cells), "03").cells
    )
    assert opening.startswith("# Title\n\nTwo exercises.\n\nThe lesson is `notebooks/03_span_based")
    assert task == f"{kept}; lesson 02 and `code` in a list."
    assert code == "links = 'of [code](stay.md)'"


def test_right_answers_get_full_marks_and_an_empty_submission_zero(folder):
    assert points(graded(submit(folder, "ada", RIGHT))) == FULL
    empty = graded(submit(folder, "nobody", {}))
    assert points(empty) == dict.fromkeys(FULL, 0)
    assert all("There is no answer yet" in each.message for each in empty.values())


def test_a_teachers_own_seeds_are_found_by_a_relative_path(folder, tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text("SEEDS = {'03.1': [11, 12]}\nCASES = {}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PRIVATE_VARIABLE, "own.py")
    assert points(graded(submit(folder, "emmy", RIGHT))) == FULL


def test_one_bad_answer_does_not_touch_the_others(folder):
    bad = {
        "03.1": "class SpanAwareKey(nn.Module)\n    pass",
        "03.3": "while True:\n    try:\n        while True: pass\n    except Exception:\n        pass",
        "03.4": "kernel_for = None",
    }
    grades = graded(submit(folder, "mixed", RIGHT | bad))
    # 03.2 is made of SpanAwareKey, which this notebook does not have; with the lesson's own it is right.
    with_the_lessons_key = RIGHT["03.2"].replace("SpanAwareKey(config)", "built('SpanAwareKey')[0](config)")
    again = graded(
        submit(
            folder,
            "mixed",
            RIGHT | bad | {"03.2": "from convbert_edu.exercises import built\n" + with_the_lessons_key},
        )
    )
    assert points(again) == {"03.1": 0, "03.2": FULL["03.2"], "03.3": 0, "03.4": 0}
    assert grades["03.2"].points == 0
    assert "no Python: line 1" in again["03.1"].message
    assert "longer than 20 seconds" in again["03.3"].message
    assert "there is no answer yet" in again["03.4"].message


def test_bad_kinds_of_answers(folder):
    bad = {
        "03.1": RIGHT["03.1"].replace("config: ConvBertConfig", "width, height"),
        "03.2": RIGHT["03.2"].replace("return out.flatten(2), w", "return out.flatten(2).double(), w"),
        "03.3": "def lightweight_convolution(V, scores):\n    return V * float('nan')",
        "03.4": "def kernel_for(k, offsets):\n    import sys\n    sys.exit('enough')",
    }
    grades = graded(submit(folder, "odd", bad))
    assert points(grades) == dict.fromkeys(FULL, 0)
    assert "arguments that the task names" in grades["03.1"].message
    assert "not finite" in grades["03.3"].message
    assert "SystemExit" in grades["03.4"].message


def test_missing_and_changed_checks_change_nothing(folder):
    def without_checks(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id.split("-")[0] not in ("shown", "check")]
        for cell in notebook.cells:
            cell.id = f"other-{cell.id}"

    def with_other_checks(notebook):
        for cell in notebook.cells:
            if cell.id.startswith(("shown", "check")):
                cell.source = "raise KeyError('changed')"
        notebook.cells.insert(2, nbformat.v4.new_code_cell("def check(*_): return True\nconvbert_edu = None"))

    assert points(graded(submit(folder, "without", RIGHT, without_checks))) == FULL
    assert points(
        graded(
            submit(
                folder,
                "changed",
                RIGHT | {"03.4": "def kernel_for(k, offsets): return [0.0] * k"},
                with_other_checks,
            )
        )
    ) == FULL | {"03.4": 0}


def test_code_that_deletes_files_and_prints_the_checks(folder):
    nasty = (
        "import os, pathlib, shutil\n"
        "for name in ('HOME', 'CONVBERT_EDU_EXERCISES'):\n"
        "    for path in pathlib.Path(os.environ[name]).glob('*.py'): print(path.read_text())\n"
        "    shutil.rmtree(os.environ[name])\n"
    )
    kept = sorted(path.name for path in (Path(course.__file__).parents[1] / "exercises" / "source").iterdir())
    grades = graded(submit(folder, "nasty", RIGHT | {"03.1": nasty + RIGHT["03.1"]}))
    assert points(grades) == FULL
    assert kept == sorted(
        path.name for path in (Path(course.__file__).parents[1] / "exercises" / "source").iterdir()
    )


def test_code_that_takes_all_memory_or_ends_python(folder):
    hungry = graded(
        submit(folder, "hungry", RIGHT | {"03.2": "much = [bytearray(10**8) for _ in range(100)]"})
    )
    assert points(hungry) == FULL | {"03.2": 0}
    assert "MemoryError" in hungry["03.2"].message
    ended = graded(submit(folder, "ended", RIGHT | {"03.3": "import os\nos._exit(7)"}))
    assert points(ended) == FULL | {"03.3": 0, "03.4": 0}
    assert "ended with the code 7" in ended["03.3"].message


def test_a_file_that_is_no_notebook(folder):
    path = submit(folder, "broken", RIGHT)
    path.write_text("{", encoding="utf-8")
    grades = graded(path)
    assert points(grades) == dict.fromkeys(FULL, 0)
    assert "no notebook that can be read" in grades["03.1"].message


def test_a_folder_of_submissions_becomes_a_table_and_feedback(folder, tmp_path, capsys):
    shutil.copytree(folder / "student", tmp_path / "student")
    submit(tmp_path, "ada", RIGHT)
    submit(tmp_path, "ben", {})
    grade_folder(tmp_path, LIMITS)
    with (tmp_path / "grades.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    full = sum(FULL.values())
    assert [(row["student"], row["points"], row["of"]) for row in rows] == [
        ("ada", str(full), str(full)),
        ("ben", "0", str(full)),
    ]
    assert rows[0]["03.2"] == str(FULL["03.2"])
    assert "03.1: 0 of 4 points" in (tmp_path / "feedback" / "ben.txt").read_text(encoding="utf-8")
    assert f"ada: 03_exercises.ipynb, {full} of {full} points so far" in capsys.readouterr().out


def test_what_is_missing_counts_and_what_has_another_name_is_named(tmp_path, monkeypatch, capsys):
    def grade(path, _):
        number = f"{path.name[:2]}.1"
        return [Grade(path.parent.name, number, 3, 4, "right")]

    monkeypatch.setattr(course, "grade_submission", grade)
    for name in (
        "ada/03_exercises.ipynb", "ada/04_exercises.ipynb", "ben/04_exercises.ipynb",
        "ben/03_exercises (1).ipynb", "05_exercises.ipynb", "ben/77_exercises.ipynb",
        "ben/.ipynb_checkpoints/03_exercises-checkpoint.ipynb",
    ):  # fmt: skip
        path = tmp_path / "submitted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    grade_folder(tmp_path, LIMITS)
    with (tmp_path / "grades.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["student", "03.1", "04.1", "points", "of"],
            ["ada", "3", "3", "6", "8"],
            ["ben", "", "3", "3", "8"],
        ]
    lines = capsys.readouterr().out.splitlines()
    named = [line.partition(";")[0].removeprefix("not graded: ") for line in lines if "not graded" in line]
    assert named == [
        str(tmp_path / "submitted" / name)
        for name in ("05_exercises.ipynb", "ben/03_exercises (1).ipynb", "ben/77_exercises.ipynb")
    ]


def test_a_folder_without_submissions(tmp_path):
    with pytest.raises(FileNotFoundError, match="each stands in a folder with the student's name"):
        grade_folder(tmp_path, LIMITS)


def test_what_nbgrader_reads(folder):
    for lesson, exercises in lessons().items():
        path = folder / "nbgrader" / "source" / f"lesson_{lesson}" / f"{lesson}_exercises.ipynb"
        cells = nbformat.read(path, as_version=4).cells
        marked = {cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata}
        assert len(marked) == 3 * len(exercises)
        for exercise in exercises:
            place = exercise.number.replace(".", "-")
            assert marked[f"answer-{place}"].source.count("### BEGIN SOLUTION") >= 1
            given = sum(marked[f"{kind}-{place}"].metadata.nbgrader.points for kind in ("shown", "check"))
            assert given == most_points(exercise)
            assert json.dumps(marked[f"check-{place}"].metadata.nbgrader)
