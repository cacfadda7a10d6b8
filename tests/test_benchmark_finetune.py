"""The benchmark of all tasks: its cases can run, and its table says what was measured."""

from convbert_edu import ConvBertConfig
from convbert_edu.tasks import make_task
from convbert_edu.tasks.data_sources import NAMED_DATA
from convbert_edu.training.finetune_settings import FinetuneSettings
from finetune_all import CASES, chosen_examples, print_table


def test_every_case_is_a_data_set_with_settings_that_exist():
    for name, case in CASES.items():
        assert NAMED_DATA[name].task == case.task
        assert len(case.metrics) == len(case.baseline)
        task = make_task(case.task, case.settings.get("task_options", {}))
        for changes in ({}, case.from_scratch):
            FinetuneSettings.recipe(task, ConvBertConfig.tiny(), **{**case.settings, **changes})


def test_the_test_part_stays_closed_while_settings_are_chosen():
    assert chosen_examples("tweets", 0, "validation").test == []
    assert len(chosen_examples("tweets", 0, "test").test) == 229


def test_the_table_has_mean_and_interval_of_the_seeds(capsys):
    """Scores 0.7, 0.8, 0.9: the half-width is 4.303 * 0.1 / sqrt(3) = 0.248."""
    known = {
        f"reviews:rt/test/pretrained/{seed}": {"accuracy": score}
        for seed, score in enumerate((0.7, 0.8, 0.9))
    }
    known["reviews:rt/validation/pretrained/0"] = {"accuracy": 0.1}
    print_table(known, "test")
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| reviews:rt | accuracy | 0.800 ± 0.248 |  | 0.783 |"
    ]
