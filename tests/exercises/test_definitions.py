"""Every exercise: its solution is right, typical mistakes get their hint, right answers in other styles are accepted.

`python tests/exercises/test_definitions.py` prints how many wrong answers were caught and how many right ones accepted.
"""

import ast
import re
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "notebooks/tools")]

from convbert_edu.exercises import check
from convbert_edu.exercises.checking import CheckResult, Known
from convbert_edu.exercises.definition import Exercise, exercise_files, load_exercise, run_source
from convbert_edu.exercises.observing import meets, observe
from exercise_texts import STUB, starting_cell
from exercises.mutations import mutations
from exercises.wrong_answers import IN_OTHER_STYLES, changed

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NUMBERS = list(exercise_files())
FEWEST_WRONG, FEWEST_RIGHT = 6, 3
CAUGHT = 0.95


@pytest.fixture(params=NUMBERS)
def exercise(request: pytest.FixtureRequest) -> Exercise:
    return load_exercise(request.param)


def hints_in(exercise: Exercise, verdict: CheckResult) -> list[str]:
    """The names of the mistakes whose hints a verdict shows."""
    return [each.name for each in exercise.mistakes if " ".join(each.hint.split()) in verdict.text]


def runs(exercise: Exercise, source: str) -> object:
    """Run the text of an answer as a notebook would, and return the answer."""
    return run_source(source, f"answer to {exercise.number}", exercise.solution)[exercise.name]


def passes(exercise: Exercise, answer: object, known: Known) -> bool:
    """What `check` decides, without the search for the mistake."""
    rounds = zip(known.rounds, known.wanted, strict=True)
    return all(meets(observe(exercise, answer, case, seed), wanted) for (case, seed), wanted in rounds)


def test_the_solution_is_right_and_passes_the_visible_check(exercise):
    verdict = check(exercise.number, exercise.solution)
    assert verdict.passed, verdict
    assert verdict.text.startswith(f"{exercise.number} {exercise.title}: right")
    exercise.shown(exercise.solution)


def test_right_answers_in_other_styles_are_accepted(exercise):
    assert len(exercise.other_ways) >= FEWEST_RIGHT
    for answer in exercise.other_ways:
        verdict = check(exercise.number, answer)
        assert verdict.passed, f"{answer.__name__}: {verdict}"
        exercise.shown(answer)


def test_typical_mistakes_are_refused_and_get_their_hint(exercise):
    assert len(exercise.mistakes) >= FEWEST_WRONG
    assert len({each.name for each in exercise.mistakes}) == len(exercise.mistakes)
    for mistake in exercise.mistakes:
        verdict = check(exercise.number, exercise.wrong_answer(mistake))
        assert not verdict.passed, mistake.name
        assert hints_in(exercise, verdict) == [mistake.name], verdict


def test_the_same_mistakes_in_another_style_get_the_same_hints(exercise):
    assert len(IN_OTHER_STYLES[exercise.number]) >= 3
    for name, changes, mistake in IN_OTHER_STYLES[exercise.number]:
        verdict = check(exercise.number, changed(exercise, name, changes))
        assert not verdict.passed, (name, changes)
        # Without a name it is a mistake that the definition does not know; it must be refused all the same.
        if mistake:
            # Another mistake may stand beside it where both together do the same.
            assert mistake in hints_in(exercise, verdict), f"{name} {changes}: {verdict}"


def test_an_empty_answer_is_refused_without_a_crash(exercise):
    start = starting_cell(exercise)
    verdict = check(exercise.number, runs(exercise, start))
    assert not verdict.passed
    assert "no answer yet" in verdict.text
    assert check(exercise.number, None).passed is False
    assert STUB[1] in start


def test_the_starting_cell_holds_no_line_of_the_solution(exercise):
    given = {line.strip() for line in starting_cell(exercise).splitlines()}
    tree = ast.parse(exercise.source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    lines = exercise.source.splitlines()
    for function in functions:
        body = function.body[1:] if ast.get_docstring(function) else function.body
        for line in lines[body[0].lineno - 1 : body[-1].end_lineno]:
            assert line.strip() not in given or not line.strip()


def test_no_hint_holds_a_line_of_the_solution(exercise):
    lines = {line.split("#")[0].strip() for line in exercise.source.splitlines()}
    for text in [exercise.task, *exercise.hints, *(each.hint for each in exercise.mistakes)]:
        assert not [
            line
            for line in lines
            if len(line) > 25 and line in text and not line.startswith(("class", "def"))
        ]


def test_what_a_definition_says_of_itself(exercise):
    file = exercise_files()[exercise.number]
    assert file.stem.split("_")[:2] == exercise.number.split(".")
    assert exercise.difficulty in ("easy", "medium", "hard")
    assert 5 <= exercise.minutes <= 60
    assert len(exercise.hints) >= 2
    assert exercise.shown.__doc__
    longest = max(map(len, file.read_text(encoding="utf-8").splitlines()))
    assert longest <= 120


def test_most_changes_that_a_machine_makes_are_caught():
    caught, survivors = 0, []
    for number in NUMBERS:
        exercise = load_exercise(number)
        known = Known(exercise)
        for what, source in mutations(exercise.source):
            try:
                survived = passes(exercise, runs(exercise, source), known)
            except Exception:
                # It does not even define a class or a function.
                survived = False
            caught += not survived
            survivors += [f"{number} {what}"] if survived else []
    assert caught >= CAUGHT * (caught + len(survivors)), "\n".join(survivors)


def test_no_docstring_holds_the_marks_of_a_string_that_was_cut_in_two(exercise):
    for node in ast.walk(ast.parse(exercise.source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert '"\n' not in (ast.get_docstring(node) or "")


def test_lessons_01_to_05_have_an_exercise_for_each_class_that_they_build():
    built = set()
    for path in NOTEBOOKS.glob("0[1-5]_*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if "build" in cell.metadata.get("tags", []):
                built |= set(re.findall(r"^(?:class|def) (\w+)", cell.source, flags=re.MULTILINE))
    assert built <= {load_exercise(number).name for number in NUMBERS}


def test_the_page_says_how_many_answers_were_tried():
    exercises = [load_exercise(number) for number in NUMBERS]
    tried = [
        sum(len(each.mistakes) for each in exercises),
        sum(len(IN_OTHER_STYLES[number]) for number in NUMBERS),
        sum(len(list(mutations(each.source))) for each in exercises),
        sum(1 + len(each.other_ways) for each in exercises),
    ]
    page = (NOTEBOOKS / "exercises" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:wrong|right): [^|]* \| (\d+) \|", page, flags=re.MULTILINE)
    assert [int(row) for row in rows] == tried, "run: python tests/exercises/test_definitions.py"


def report() -> Counter:
    """Count wrong answers that were refused (with the fitting hint), and right answers that were accepted."""
    count: Counter = Counter()
    for number in NUMBERS:
        exercise = load_exercise(number)
        wrong = [(exercise.wrong_answer(each), each.name) for each in exercise.mistakes]
        styles = [
            (changed(exercise, name, changes), mistake) for name, changes, mistake in IN_OTHER_STYLES[number]
        ]
        for kind, answers in (("typical", wrong), ("in other styles", styles)):
            for answer, mistake in answers:
                verdict = check(number, answer)
                count[f"wrong answers, {kind}: tried"] += 1
                count[f"wrong answers, {kind}: refused"] += not verdict.passed
                hinted = mistake in hints_in(exercise, verdict)
                count[f"wrong answers, {kind}: with the fitting hint"] += hinted
        known = Known(exercise)
        for _, source in mutations(exercise.source):
            count["changes by machine: tried"] += 1
            try:
                count["changes by machine: refused"] += not passes(exercise, runs(exercise, source), known)
            except Exception:
                count["changes by machine: refused"] += 1
        for answer in (exercise.solution, *exercise.other_ways):
            count["right answers: tried"] += 1
            count["right answers: accepted"] += check(number, answer).passed
        count["exercises"] += 1
    return count


if __name__ == "__main__":
    for name, number in report().items():
        print(f"{number:5}  {name}")
