"""What `check` makes of answers of every kind: no answer, bad answers, and answers that are right in an odd way."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from convbert_edu import nano
from convbert_edu.exercises import check, hint
from convbert_edu.exercises.checking import CheckResult, _known
from convbert_edu.exercises.definition import (
    FOLDER_VARIABLE,
    PRIVATE_VARIABLE,
    Case,
    exercise_files,
    exercises_folder,
    load_exercise,
)
from convbert_edu.exercises.observing import pairings, same


class RightKey(nano.SpanAwareKey):
    """The lesson's class under another name."""


def refused(number: str, answer: object, *words: str) -> CheckResult:
    """Check an answer that is not right, and that the text holds these words; return the verdict."""
    verdict = check(number, answer)
    assert not verdict.passed
    assert not verdict
    for word in words:
        assert word in verdict.text, verdict.text
    with pytest.raises(AssertionError, match=number.replace(".", r"\.")):
        verdict.require()
    return verdict


def test_a_right_answer():
    verdict = check("03.1", RightKey)
    assert verdict.passed
    assert repr(verdict).startswith("03.1 The span-aware key: right, in 3 cases, each with 2 draws")
    verdict.require()


@pytest.mark.parametrize("number", ["03.1", "3.1", " 03.1 ", "003.1"])
def test_the_number_may_be_written_in_several_ways(number):
    assert check(number, RightKey).passed


@pytest.mark.parametrize("number", ["03.99", "99.1", "span", ""])
def test_a_number_that_there_is_not(number):
    with pytest.raises(ValueError, match=r"there is no exercise .*; there are "):
        check(number, RightKey)
    with pytest.raises(ValueError, match="there is no exercise"):
        hint(number)


def test_hints_come_one_by_one(capsys):
    hint("03.1")
    hint("03.1", 3)
    out = capsys.readouterr().out
    assert "Hint 1 of 3: Three parameters" in out
    assert "Hint 3 of 3: After the padding" in out
    with pytest.raises(ValueError, match="hints 1 to 3, not 4"):
        hint("03.1", 4)


@pytest.mark.parametrize("answer", [None, ...])
def test_nothing(answer):
    refused("03.1", answer, "no answer yet", 'check("03.1", SpanAwareKey)')


def test_an_object_in_place_of_its_class():
    config = load_exercise("03.1").cases().__next__().build[0]
    refused("03.1", nano.SpanAwareKey(config), "object of SpanAwareKey and no class")
    refused("03.1", torch.ones(3), "object of Tensor and no class")
    refused("05.9", 9, "object of int and no function")
    refused("05.9", float("nan"), "object of float and no function")


def test_a_class_with_another_constructor():
    class WithoutArguments(nn.Module):
        def __init__(self):
            super().__init__()

    class WithTwo(nn.Module):
        def __init__(self, config, more):
            super().__init__()

    refused("03.1", WithoutArguments, "TypeError", "arguments that the task names")
    refused(
        "03.1",
        WithTwo,
        "TypeError",
        "missing 1 required positional argument",
        "arguments that the task names",
    )


def test_a_class_that_is_no_module_or_forgets_its_base_class():
    class Plain:
        def __init__(self, config):
            pass

    class Forgetful(nn.Module):
        def __init__(self, config):
            self.pointwise = nn.Linear(3, 3)

    refused("03.1", Plain, "Plain is no torch.nn.Module", "class SpanAwareKey(nn.Module)")
    refused("03.1", Forgetful, "super().__init__()")


def test_other_parameters_than_expected():
    class TooMany(nano.SpanAwareKey):
        def __init__(self, config):
            super().__init__(config)
            self.more = nn.Linear(5, 5)

    class None_(nn.Module):
        def __init__(self, config):
            super().__init__()

    refused("03.1", TooMany, "the sizes of the parameters are", "[5, 5]")
    refused("03.1", None_, "the sizes of the parameters are []", "were expected")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda out: out.double(), ["float64", "float32 on cpu was expected"]),
        (lambda out: out.transpose(1, 2), ["axes stand in another order"]),
        (lambda out: out * math.nan, ["not finite"]),
        (lambda out: out / 0.0, ["not finite"]),
        (lambda out: None, ["NoneType"]),
        (lambda out: (out,), ["tuple of 1"]),
        (lambda out: out.tolist(), ["list of", "tensor"]),
        (lambda out: out.to("meta"), ["on meta"]),
        (lambda out: out * 3, ["Every number is 3 times what was expected"]),
        (lambda out: out.roll(1, dims=1), ["1 positions too late"]),
        (lambda out: out.detach(), ["no gradient reaches the parameters"]),
        (lambda out: out[:, :2], ["tensor [2, 2, 8]", "tensor [2, 7, 8]"]),
        (lambda out: out + torch.randn(()), ["numbers differ"]),
        (lambda out: functional.dropout(out, 0.5), ["numbers differ"]),
        (lambda out: out.long(), ["int64"]),
    ],
)  # fmt: skip
def test_results_that_are_not_right(change, words):
    class Changed(nano.SpanAwareKey):
        def forward(self, X):
            return change(super().forward(X))

    refused("03.1", Changed, *words)


def test_dropout_where_none_belongs():
    class Dropping(nano.SpanAwareKey):
        def forward(self, X):
            return functional.dropout(super().forward(X), 0.5, self.training)

    refused("03.1", Dropping, "in training there is dropout where none belongs")


def test_dropout_with_another_probability():
    class Always(nano.SelfAttention):
        def __init__(self, config):
            super().__init__(config)
            self.dropout = nn.Dropout(0.5)

    refused("02.1", Always, "or with another probability than the configuration asks for")


def test_dropout_in_another_place():
    class OnTheResult(nano.SelfAttention):
        def forward(self, Q, X, mask=None):
            drop, self.dropout = self.dropout, nn.Identity()
            out, P = super().forward(Q, X, mask)
            self.dropout = drop
            return drop(out), P

    class OnTheQueries(nano.SelfAttention):
        def forward(self, Q, X, mask=None):
            out, P = super().forward(Q, X, mask)
            return out + 0 * self.dropout(Q), P

    class Twice(nano.SelfAttention):
        def __init__(self, config):
            super().__init__(config)
            self.dropout = nn.Sequential(self.dropout, self.dropout)

    refused("02.1", OnTheResult, "You drop numbers of the result")
    refused("02.1", Twice, "it acts in another place than the task says")
    # What changes nothing is no mistake.
    assert check("02.1", OnTheQueries).passed


def test_dropout_that_is_written_by_hand_is_accepted_and_pytorch_keeps_its_own():
    class ByHand(nano.SelfAttention):
        def __init__(self, config):
            super().__init__(config)
            del self.dropout
            self.p = config.attention_probs_dropout_prob

        def dropout(self, P):
            return P * (torch.rand_like(P) > self.p) / (1 - self.p) if self.training else P

    own = functional.dropout
    assert check("02.1", ByHand).passed
    assert functional.dropout is own


def test_the_entry_of_a_dictionary_that_differs_is_named():
    def counted(d, a, h, k):
        return load_exercise("04.3").solution(d, a, h, k) | {"output": 1}

    def without(d, a, h, k):
        found = load_exercise("04.3").solution(d, a, h, k)
        return {"span_key" if name == "span-aware key" else name: number for name, number in found.items()}

    assert "'query'" not in refused("04.3", counted, "entry 'output': it returned 1, and 590592 was").text
    refused("04.3", without, "it lacks 'span-aware key'", "'span_key' does not belong into it")


def test_numbers_of_an_input_are_shown_short():
    def scores_as_weights(V, scores):
        return V * scores.sum()

    text = refused("03.3", scores_as_weights, "lightweight_convolution(tensor [2, 7, 12], tensor([[").text
    assert max(map(len, text.split("tensor([[")[1].split("]]")[0].split(", "))) <= len("-0.00001234")


def test_an_input_that_is_changed():
    class Writing(nano.SpanAwareKey):
        def forward(self, X):
            out = super().forward(X.clone())
            X += 1
            return out

    refused("03.1", Writing, "changes its input")


def test_a_gradient_that_is_lost():
    class Frozen(nano.SpanAwareKey):
        def forward(self, X):
            self.depthwise.requires_grad_(False)
            return super().forward(X)

    class Cut(nano.SpanAwareKey):
        def forward(self, X):
            return super().forward(X.detach())

    refused("03.1", Frozen, "the output is right, but not the gradient of depthwise")
    refused("03.1", Cut, "not the gradient that reaches the input")


@pytest.mark.parametrize(
    "error", [SystemExit(3), RecursionError("deep"), ZeroDivisionError("by zero"), MemoryError()]
)
def test_an_answer_that_raises(error):
    class Raising(nano.SpanAwareKey):
        def forward(self, X):
            raise error

    def raising(tokens, layers):
        raise error

    refused("03.1", Raising, type(error).__name__)
    refused("05.9", raising, type(error).__name__)


def test_the_line_that_raised_is_shown():
    def wrong(tokens, layers):
        return tokens / 0

    refused("05.9", wrong, "ZeroDivisionError", "return tokens / 0")


def test_ctrl_c_is_not_swallowed():
    def interrupted(tokens, layers):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("05.9", interrupted)


def test_an_empty_answer_says_so_and_gives_no_hint():
    def empty(tokens, layers):
        raise NotImplementedError

    assert "Hint:" not in refused("05.9", empty, "There is no answer yet").text


def test_functions_may_answer_in_the_kinds_of_numpy_and_torch():
    def with_a_tensor(tokens, layers):
        return torch.tensor(2 * math.ceil(tokens / layers) + 1)

    def as_float(tokens, layers):
        return 2.0 * math.ceil(tokens / layers) + 1

    assert check("05.9", with_a_tensor).passed
    assert check("05.9", as_float).passed
    refused("05.9", lambda tokens, layers: str(2 * math.ceil(tokens / layers) + 1), "returned str")
    refused("05.9", lambda tokens, layers: math.nan, "it returned float, and int was expected")


def test_two_mistakes_at_once_get_two_hints():
    class Twice(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.config = config
            self.key = nn.Linear(config.hidden_size, config.branch_size)
            self.value = nn.Linear(config.hidden_size, config.branch_size)
            self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

        def forward(self, Q, X, mask=None):
            split = (len(X), X.shape[1], self.config.num_heads_per_branch, -1)
            Q, K, V = (Y.reshape(split).transpose(1, 2) for Y in (Q, self.key(X), self.value(X)))
            # No square root, and no mask.
            P = (Q @ K.mT).softmax(dim=-1)
            return (self.dropout(P) @ V).transpose(1, 2).flatten(2), P

    refused("02.1", Twice, "Which number are they divided by?", "it should be 0, whatever the scores are")


def test_parameters_with_other_names_are_accepted_and_named():
    exercise = load_exercise("03.1")
    verdict = check("03.1", exercise.other_ways[1])
    assert verdict.passed
    assert "F, W_s, b" in verdict.text
    assert "depthwise, bias, pointwise.weight" in verdict.text


def test_random_numbers_go_on_as_if_nothing_had_been_checked():
    torch.manual_seed(5)
    first = torch.rand(2)
    torch.manual_seed(5)
    check("03.1", RightKey)
    check("03.1", lambda config: 3)
    assert torch.equal(torch.rand(2), first)


def test_a_verdict_is_the_same_each_time_and_under_no_grad():
    wrong = load_exercise("03.1").wrong_answer(load_exercise("03.1").mistakes[0])
    with torch.no_grad():
        texts = {check("03.1", wrong).text for _ in range(2)}
    assert texts == {check("03.1", wrong).text}


def test_each_stack_of_matrices_may_be_a_list_of_layers():
    wanted = {"weight": torch.zeros(2, 3, 4), "bias": torch.zeros(8)}
    model = nn.ModuleList([nn.Linear(3, 4), nn.Linear(3, 4)])
    first = next(pairings(wanted, model))
    assert first == {"weight": ["0.weight", "1.weight"], "bias": ["0.bias", "1.bias"]}


def test_models_whose_parameters_do_not_fit_are_not_paired():
    wanted = {"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2)}
    assert list(pairings(wanted, nn.Linear(3, 3))) == []
    assert list(pairings(wanted, nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 2)))) == []
    assert len(list(pairings(wanted, nn.Sequential(nn.Linear(3, 2))))) == 1


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (torch.ones(3), torch.ones(3) + 1e-6, True),
        (torch.ones(3), torch.ones(3) + 1e-2, False),
        (torch.ones(3), torch.ones(3).double(), False),
        (torch.tensor([1, 2]), torch.tensor([1, 2], dtype=torch.int32), True),
        (torch.tensor([torch.nan]), torch.tensor([torch.nan]), True),
        ((1, [2.0, None]), [1, (2, None)], True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ("a", "b", False),
        (None, 0, False),
        # The smallest number of a dtype hides no difference of the others.
        (torch.tensor([1.0, -3e38]), torch.tensor([1.5, -3e38]), False),
    ],
)  # fmt: skip
def test_what_counts_as_the_same(one, other, equal):
    assert same(one, other) is equal


def test_a_teacher_may_give_other_seeds_and_cases(tmp_path, monkeypatch):
    own = tmp_path / "private.py"
    own.write_text(
        "from convbert_edu.exercises.definition import Case\n"
        "SEEDS = {'05.9': [7, 8, 9]}\n"
        "CASES = {'05.9': lambda: [Case('31 in 3', (31, 3))]}\n"
    )
    assert not check("05.9", lambda tokens, layers: 23).passed
    monkeypatch.setenv(PRIVATE_VARIABLE, str(own))
    assert check("05.9", lambda tokens, layers: 23).text.endswith("in 1 case with 3 draws of random numbers.")
    monkeypatch.delenv(PRIVATE_VARIABLE)
    assert not check("05.9", lambda tokens, layers: 23).passed
    _known.cache_clear()


def test_exercises_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert exercises_folder().name == "source"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=f"the exercises are not in .*nowhere.*{FOLDER_VARIABLE}"):
        exercise_files()


def test_an_installed_package_without_the_repository_finds_the_exercises_beside_the_lessons(tmp_path):
    # As where the wheel is installed and the reader works in a copy of the repository.
    root = Path(__file__).parents[2]
    code = (
        "import convbert_edu, pathlib; convbert_edu.__file__ = str(pathlib.Path.home() / 'x' / 'y' / '__init__.py')\n"
        "from convbert_edu.exercises.definition import exercises_folder; print(exercises_folder())"
    )
    run = [sys.executable, "-c", code]
    found = subprocess.run(
        run, cwd=root / "notebooks", capture_output=True, text=True, env=_environment(root)
    )
    assert Path(found.stdout.strip()) == root / "notebooks" / "exercises" / "source", found.stderr
    lost = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=_environment(root))
    assert "work in a copy of the repository" in lost.stderr


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root)}


def test_cases_are_named_and_make_new_inputs_for_each_seed():
    for number in exercise_files():
        cases = list(load_exercise(number).cases())
        assert all(isinstance(case, Case) and case.name for case in cases)
        assert len({case.name for case in cases}) == len(cases)
