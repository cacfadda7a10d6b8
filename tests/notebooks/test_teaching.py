"""The teacher's guide: its lessons, exercises, mistakes and minutes are those of the course, in an order that works.

Checks of an order or a number are first shown to find their fault in a small made-up page.
"""

import re

import nbformat
import pytest

from convbert_edu.exercises.definition import exercise_files, load_exercise
from course import Limits, most_points
from helpers import LESSONS, ROOT
from lesson_reading import markdown
from lesson_writing import sections
from page_reading import broken_links, links, without_code, words

GUIDE = ROOT / "notebooks" / "TEACHING.md"
PAGE = GUIDE.read_text(encoding="utf-8")
NUMBERS = tuple(name[:2] for name in LESSONS)
OPENED = {name[:2]: nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in LESSONS}
EXERCISES = {number: load_exercise(number) for number in exercise_files()}

# With the numbers in the tables; a lesson adds about 40.
MOST_WORDS = 3300
EXERCISE = re.compile(r"\b\d\d\.\d\b")
RANGE = re.compile(r"\b(\d\d\.\d) to (\d\d\.\d)\b")
COUNTED = {
    "half": 0.5, "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "ten": 10, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
}  # fmt: skip


def table(page: str, *columns: str) -> list[list[str]]:
    """The cells of the rows of the table whose first columns have these names."""
    start = f"| {' | '.join(columns)} |"
    ((lines,),) = [re.findall(rf"^{re.escape(start)}.*\n\| ---.*\n((?:\|.*\n)+)", page, flags=re.MULTILINE)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()]


def lessons_in(cell: str) -> list[str]:
    """The numbers of the lessons that a cell links."""
    return [target[:2] for _, target in links(cell) if target.endswith(".ipynb")]


def named_exercises(text: str) -> set[str]:
    """The exercises that a text names, and those between two of them, as in "05.1 to 05.7"."""
    between = {each for first, last in RANGE.findall(text) for each in EXERCISES if first < each < last}
    return between | set(EXERCISE.findall(text))


def needed(page: str) -> dict[str, list[str]]:
    """For each lesson of the guide's table the lessons that it needs."""
    return {
        lessons_in(row[0])[0]: re.findall(r"\b\d\d\b", row[1])
        for row in table(page, "lesson", "needs lessons")
    }


def all_needed(lesson: str, needs: dict[str, list[str]]) -> set[str]:
    """The lessons that a lesson needs, and those that these need."""
    return set(needs[lesson]).union(*(all_needed(each, needs) for each in needs[lesson]))


def forward(needs: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The pairs of a lesson and one that it needs but that comes later, or does not exist."""
    return [
        (lesson, each)
        for lesson, some in needs.items()
        for each in some
        if each not in needs or each >= lesson
    ]


def out_of_order(rows: list[list[str]], needs: dict[str, list[str]]) -> list[str]:
    """The lessons of a syllabus that come before what they need, and the exercises that come before their lesson.

    rows: when, the lessons, and further columns with exercises
    """
    met: list[str] = []
    wrong = []
    for _, lessons, *exercises in rows:
        for lesson in lessons_in(lessons):
            wrong += [f"{lesson} before {each}" for each in needs[lesson] if each not in met]
            met.append(lesson)
        wrong += [number for number in sorted(named_exercises(" ".join(exercises))) if number[:2] not in met]
    return wrong


def minutes_of_exercises(cell: str) -> int:
    return sum(EXERCISES[number].minutes for number in named_exercises(cell))


def stated_minutes(phrase: str) -> float | None:
    """The number of a phrase such as "about two and a half minutes" or "75 minutes"; None where it has none."""
    half = 0.5 if "and a half" in phrase else 0
    for word in re.findall(r"\w+", phrase.lower()):
        if word.isdigit() or word in COUNTED:
            return half + (float(word) if word.isdigit() else COUNTED[word])
    return None


def minutes_of_reading(text: str) -> float | None:
    """What a lesson says about the time that its reader needs; None where it says nothing."""
    words = " ".join(text.split())
    for phrase, minutes in (("hour and a half", 90), ("half an hour", 30), ("an hour", 60)):
        if f"{phrase} of reading" in words:
            return minutes
    stated = re.search(r"(\S+(?: minutes)?) of reading", words)
    return stated_minutes(stated[1]) if stated else None


WEEK = table(PAGE, "day", "lessons", "exercises in class")
TERM = table(PAGE, "week", "lecture", "lab")
BY_LESSON = table(PAGE, "lesson", "needs lessons")


def test_every_link_leads_somewhere_and_lines_are_short_enough_to_read():
    assert broken_links(GUIDE) == []
    prose = [line for line in without_code(PAGE).splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > 130] == []


def test_the_guide_is_linked_from_the_readme_and_from_the_exercises():
    for path, target in (
        (ROOT / "README.md", "notebooks/TEACHING.md"),
        (ROOT / "notebooks" / "exercises" / "README.md", "../TEACHING.md"),
    ):
        assert target in {target.partition("#")[0] for _, target in links(path.read_text(encoding="utf-8"))}


def test_the_guide_stays_short():
    assert len(words(PAGE)) <= MOST_WORDS


def test_every_lesson_stands_in_the_table_in_the_order_of_the_course():
    assert [lessons_in(row[0]) for row in BY_LESSON] == [[number] for number in NUMBERS]


# Exercises and mistakes.


def test_every_exercise_that_the_guide_names_exists():
    assert named_exercises(PAGE) - EXERCISES.keys() == set()
    assert named_exercises("03.2 to 03.4, 99.1 and 0.80 or 1.1") == {"03.2", "03.3", "03.4", "99.1"}


def test_every_mistake_in_quotation_marks_is_one_of_its_exercise():
    quoted = re.findall(r'(\d\d\.\d) "([^"]+)"', PAGE)
    assert len(quoted) >= 12
    assert [(number, name) for number, name in quoted if not is_mistake(number, name)] == []
    assert is_mistake("02.1", "masked scores are 0")
    assert not is_mistake("02.2", "masked scores are 0")


def is_mistake(number: str, name: str) -> bool:
    return name in {mistake.name for mistake in EXERCISES[number].mistakes}


def test_the_sections_that_the_guide_names_exist():
    named = re.findall(r"\[(\d\d)\]\([^)]*\), sections? (\d[\d, ]*)", PAGE)
    assert len(named) >= 6
    for lesson, listed in named:
        assert set(re.findall(r"\d+", listed)) <= sections(OPENED[lesson]), lesson


def test_the_points_and_limits_of_grading_are_those_of_the_course_command():
    points = sum(most_points(exercise) for exercise in EXERCISES.values())
    assert f"{points} points for all {len(EXERCISES)} exercises" in PAGE
    limits = Limits()
    assert f"{limits.cell_seconds:g} seconds a cell, {limits.seconds:g} seconds" in PAGE
    assert f"{limits.megabytes:,} MB" in PAGE


# Order.


def test_no_lesson_needs_a_later_one_and_the_syllabi_keep_to_that():
    needs = needed(PAGE)
    assert forward(needs) == []
    assert out_of_order(WEEK, needs) == []
    assert out_of_order(TERM, needs) == []


def test_what_comes_too_early_is_found():
    page = (
        "| lesson | needs lessons | gives |\n| --- | --- | --- |\n| [00](00_a.ipynb) | none | x |\n"
        "| [01](01_b.ipynb) | 00, 02 | y |\n| [02](02_c.ipynb) | 01, 07 | z |\n"
    )
    needs = needed(page)
    assert needs == {"00": [], "01": ["00", "02"], "02": ["01", "07"]}
    assert forward(needs) == [("01", "02"), ("02", "07")]
    rows = [["1", "[00](00_a.ipynb)", "00.1, 01.1"], ["2", "[01](01_b.ipynb)", "01.1, 02.2"]]
    assert out_of_order(rows, {"00": [], "01": ["00"]}) == ["01.1", "02.2"]
    assert out_of_order(rows[::-1], {"00": [], "01": ["00"]}) == ["01 before 00", "02.2"]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_table_names_what_the_lesson_itself_says_must_be_read_before(number):
    stated = re.search(
        r"\*\*Read before:\*\*(.*?)(?:\n\n|\n\*\*|\Z)", OPENED[number].cells[0].source, flags=re.DOTALL
    )
    needs = needed(PAGE)
    named = set(re.findall(r"\blesson (\d\d)\b|\]\((\d\d)_", stated[1])) if stated else set()
    assert {one or other for one, other in named} <= all_needed(number, needs)


# Minutes and memory.


@pytest.mark.parametrize("row", BY_LESSON, ids=lambda row: row[0][1:3])
def test_minutes_and_memory_are_those_of_the_lesson(row):
    number, text = lessons_in(row[0])[0], markdown(OPENED[lessons_in(row[0])[0]])
    reading, exercises, memory = row[3:]
    stated = minutes_of_reading(OPENED[number].cells[0].source)
    if stated is None:
        estimate = len(text.split()) / 100
        assert 0.6 * estimate <= int(reading) <= 1.6 * estimate, (
            f"about {estimate:.0f} minutes for lesson {number}"
        )
    else:
        assert int(reading) == stated
    assert int(exercises) == sum(each.minutes for name, each in EXERCISES.items() if name.startswith(number))
    (gigabytes,) = re.findall(r"([\d.]+) GB\b", OPENED[number].cells[0].source)
    assert float(memory) == float(gigabytes)


@pytest.mark.parametrize("number", NUMBERS)
def test_no_lesson_states_more_minutes_of_computing_than_the_guide_says(number):
    (stated,) = re.findall(r"\*\*Needs:\*\*(.*?)minutes?\b", OPENED[number].cells[0].source, flags=re.DOTALL)
    assert stated_minutes(stated) <= 3
    assert "at most three minutes on two cores" in " ".join(PAGE.split())


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("half a minute, and about fifty\nminutes of reading and writing", 50),
        ("1 GB of memory, and 45\nminutes of reading", 45),
        ("2 GB of memory; about an hour of reading", 60),
        ("2 GB of memory; about an hour and a half of\nreading", 90),
        ("about half an hour of reading", 30),
        ("about a minute", None),
    ],
)
def test_the_minutes_of_reading_are_found(text, minutes):
    assert minutes_of_reading(text) == minutes


def test_a_half_counts():
    assert stated_minutes("about three and a half ") == 3.5


def test_the_memory_for_a_server_is_the_largest_number_of_the_table():
    largest = max(float(row[-1]) for row in BY_LESSON)
    assert f"Plan {largest:g} GB of memory for each student" in PAGE


def test_the_lecture_takes_90_minutes_and_a_half_day_no_more_than_three_hours():
    assert sum(int(row[0]) for row in table(PAGE, "minutes", "what", "from")) == 90
    reading = {lessons_in(row[0])[0]: int(row[3]) for row in BY_LESSON}
    for day, lessons, exercises, _ in WEEK:
        project = 45 if day == str(len(WEEK)) else 0
        total = (
            sum(reading[lesson] for lesson in lessons_in(lessons)) + minutes_of_exercises(exercises) + project
        )
        assert total <= 180, day


def test_a_term_sets_each_exercise_once_and_a_lab_leaves_time():
    assert len(TERM) == 12
    assert sorted(EXERCISE.findall(" ".join(cell for row in TERM for cell in row[2:]))) == sorted(EXERCISES)
    labs = [minutes_of_exercises(row[2]) for row in TERM[:-1]]
    assert (min(labs), max(labs)) == (25, 45)
