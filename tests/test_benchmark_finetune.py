"""The benchmark of all tasks: its cases can run, and its table says what was measured."""

import json
from pathlib import Path

import nbformat
import pytest
import torch

import finetune_all
import results_tables
from convbert_edu import ConvBertConfig
from convbert_edu.data import Splits
from convbert_edu.finetuning.data_sources import NAMED_DATA
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import make_task
from finetune_all import chosen_examples, one_run, table
from finetune_cases import ALWAYS, CASES, MINI, SCRATCH, STARTS, TINY, stored_runs

BENCHMARKS = Path(finetune_all.__file__).parent


RECIPES = [(name, start) for name, case in CASES.items() for start in case.recipes]


@pytest.mark.parametrize(("name", "start"), RECIPES)
def test_every_recipe_has_data_and_settings_that_exist(name: str, start: str):
    case, recipe = CASES[name], CASES[name].recipes[start]
    assert start in STARTS
    for data, task, settings in (
        (case.data, case.task, {**ALWAYS, **recipe.settings}),
        *((before.data, before.task, before.settings) for before in recipe.before),
    ):
        assert NAMED_DATA[data].task == task
        options = settings.get("task_options", {})
        FinetuneSettings.recipe(make_task(task, options), ConvBertConfig.tiny(), **settings)


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.recipes.get(TINY) and case.recipes[TINY].before]
)
def test_a_pretrained_model_is_prepared_step_by_step_and_one_from_scratch_is_not(name: str, monkeypatch):
    """Each step begins with the model of the one before; none sees a test split but the case itself."""
    runs = []

    def note(task, splits, model, folder, settings):
        runs.append((task.name, bool(splits.test), str(model), str(folder), settings.from_scratch))
        return {"test": {"accuracy": 0.5}}

    monkeypatch.setattr(finetune_all, "finetune", note)
    monkeypatch.setattr(finetune_all, "load_data", lambda *_: Splits([1], [2], [3]))
    monkeypatch.setattr(finetune_all, "lead_over_baseline", lambda name, *_: {"lead": 0.25})
    threads = torch.get_num_threads()
    recipe = CASES[name].recipes[TINY]
    steps = [*recipe.before, CASES[name]]
    found = one_run(name, TINY, 0, "test", threads)
    assert (found["accuracy"], found["lead"]) == (0.5, 0.25)
    assert found["cpu_seconds"] >= 0
    assert [task for task, *_ in runs] == [step.task for step in steps]
    assert [test for _, test, *_ in runs] == [False] * (len(steps) - 1) + [True]
    folders = [folder for *_, folder, _ in runs]
    assert [model for _, _, model, *_ in runs] == [recipe.model or TINY] + [
        f"{each}/model" for each in folders[:-1]
    ]
    assert not any(scratch for *_, scratch in runs)
    runs.clear()
    one_run(name, SCRATCH, 0, "test", threads, TINY)
    assert [(model, scratch) for _, _, model, _, scratch in runs] == [(TINY, True)]


def test_the_test_split_stays_closed_while_settings_are_chosen():
    assert chosen_examples("tweets", 0, "validation").test == []
    assert len(chosen_examples("tweets", 0, "test").test) == 229


def test_the_table_has_mean_and_interval_of_the_seeds():
    """Scores 0.7, 0.8, 0.9: the half-width is 4.303 * 0.1 / sqrt(3) = 0.248."""
    known = {
        f"reviews:rt/test/{TINY}/{seed}": {"accuracy": score} for seed, score in enumerate((0.7, 0.8, 0.9))
    }
    known[f"reviews:rt/validation/{TINY}/0"] = {"accuracy": 0.1}
    assert table(known, "test").splitlines()[2:] == [
        "| Rotten Tomatoes | accuracy | 0.800 ± 0.248 | 0.783 |  |"
    ]


def test_lesson_11_shows_the_recipe_that_convbert_mini_has_for_all_questions():
    lesson = nbformat.read(BENCHMARKS.parent / "notebooks" / "11_question_answering.ipynb", as_version=4)
    (text,) = (cell.source for cell in lesson.cells if "| setting | all questions |" in cell.source)
    rows = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith("| ")]
    shown = {name.removeprefix("| "): value for name, value in rows}
    settings = {**ALWAYS, **CASES["factbook:qa"].recipes[MINI].settings}
    for name, setting in (
        ("tokens of a window in training", "max_length"),
        ("[learning rate](GLOSSARY.md#learning-rate)", "learning_rate"),
        ("batch", "batch_size"),
        ("[epochs](GLOSSARY.md#epoch)", "epochs"),
        ("layer-wise decay", "layer_decay"),
        ("[dropout](GLOSSARY.md#dropout)", "dropout"),
    ):
        assert float(shown[name].split()[0]) == settings[setting], name
    assert shown["windows without answer that are kept"] == "a quarter"
    assert settings["task_options"] == {"no_answer_window_ratio": 0.25}


def test_the_stored_runs_are_those_of_one_case_start_and_split():
    known = {
        f"{key}/{seed}": {"accuracy": score}
        for score, key in enumerate(
            ("reviews:rt/test/convbert-mini", "reviews:rt-500/test/convbert-mini",
             "reviews:rt/validation/convbert-mini", "reviews:rt/test/convbert-tiny")
        )
        for seed in range(3)
    }  # fmt: skip
    assert stored_runs(known, "reviews:rt", "convbert-mini") == [{"accuracy": 0}] * 3
    assert stored_runs(known, "reviews:rt", "convbert-mini", "validation") == [{"accuracy": 2}] * 3
    assert stored_runs(known, "reviews:rt", "teacher") == []


def test_scores_of_fewer_than_three_seeds_are_kept_but_not_shown():
    known = {f"reviews:rt/test/{MINI}/{seed}": {"accuracy": 0.9} for seed in range(2)}
    known |= {f"reviews:rt/test/{TINY}/{seed}": {"accuracy": 0.8} for seed in range(3)}
    assert stored_runs(known, "reviews:rt", MINI) == []
    assert len(stored_runs(known, "reviews:rt", MINI, fewest=2)) == 2
    assert MINI not in table(known, "test")
    assert f"| {MINI} | {TINY} |" in table(known, "test", fewest=1)


def test_the_short_table_has_the_first_measure_of_the_starts_that_are_asked_for():
    known = {f"wikipedia:topics/test/{TINY}/0": {"accuracy": 0.8, "macro_f1": 0.7}}
    known[f"wikipedia:topics/test/{SCRATCH}/0"] = {"accuracy": 0.6, "macro_f1": 0.5}
    assert table(known, "test", (TINY,), first_measure_only=True, fewest=1).splitlines() == [
        f"| task | measure | {TINY} | baseline |",
        "| --- | --- | --- | --- |",
        "| Wikipedia topics | accuracy | 0.800 | 0.893 |",
    ]


def test_the_readme_shows_the_models_that_a_reader_may_start_from_once_both_are_measured():
    """Without convbert-mini it compares convbert-tiny with the same model from scratch; the long table has all."""
    known = {
        f"{name}/test/{start}/{seed}": dict.fromkeys(case.measures, 0.5)
        for name, case in CASES.items()
        for start in case.recipes
        for seed in range(3)
    }
    without = {key: scores for key, scores in known.items() if f"/{MINI}/" not in key}
    for scores, heads in (
        (known, f"| task | measure | {MINI} | {TINY} | baseline |"),
        (without, f"| task | measure | {TINY} | {SCRATCH} | baseline |"),
    ):
        readme, results = results_tables.tables(scores).values()
        assert readme.splitlines()[0] == heads
        assert [line.split(" | ")[0] for line in readme.splitlines()[2:]] == [
            f"| {case.title}" for case in CASES.values() if {MINI, TINY} <= set(case.recipes)
        ]
        assert results == table(scores, "test")
        assert ("500 examples" in results) == (scores is known)


def test_the_tables_of_readme_and_docs_are_those_of_the_stored_scores():
    """results_tables.py writes them; the long one holds every row and column of the short one."""
    known = json.loads((BENCHMARKS / "finetune_all.json").read_text(encoding="utf-8"))
    pages = results_tables.tables(known)
    assert [path.name for path in pages] == ["README.md", "results.md"]
    for path, rows in pages.items():
        text = path.read_text(encoding="utf-8")
        assert results_tables.filled_page(text, rows) == text, "run: python benchmarks/results_tables.py"
    assert table(known, "test") == pages[BENCHMARKS.parent / "docs" / "results.md"]


def test_a_wrong_table_is_replaced_and_a_page_without_one_is_refused():
    page = "a\n\n| task | measure |\n| old | row |\n\nb\n"
    assert (
        results_tables.filled_page(page, "| task | measure | new |") == "a\n\n| task | measure | new |\n\nb\n"
    )
    for text in ("a\n", page + page):
        with pytest.raises(ValueError, match="it must have one"):
            results_tables.filled_page(text, "| task | measure |")
