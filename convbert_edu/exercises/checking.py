"""Whether an answer to an exercise of lessons 00 to 18 is right, and if not, which mistake was made."""

import functools
import inspect
import itertools
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from convbert_edu import nano
from convbert_edu.exercises.definition import (
    PRIVATE_VARIABLE,
    SEEDS,
    Case,
    Exercise,
    Mistake,
    parts_of,
    private_checks,
)
from convbert_edu.exercises.observing import (
    WHERE_DROPOUT_ACTS,
    Observation,
    meets,
    observe,
    same_in,
    same_observations,
    same_seen,
)

# Messages of Python and PyTorch that say little to somebody who meets them for the first time.
EXPLAINED = {
    "before Module.__init__() call": "Call super().__init__() before the class makes its layers.",
    "positional argument": "The check calls your answer with the arguments that the task names, in that order.",
    "same device": "All is computed on the CPU here; leave out .cuda() and .to().",
}


@dataclass(frozen=True)
class CheckResult:
    """What `check` says: whether the answer is right, and a text for the reader."""

    number: str
    passed: bool
    text: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return self.text

    def require(self) -> None:
        """Raise AssertionError with the text where the answer is not right; nbgrader's cells need that."""
        if not self.passed:
            raise AssertionError(self.text)


def check_answer(exercise: Exercise, answer: Any) -> CheckResult:
    """Say whether an answer to this exercise is right; see `check`."""
    title = f"{exercise.number} {exercise.title}: "
    missing = _no_answer(exercise, answer)
    if missing:
        return CheckResult(exercise.number, False, title + missing)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        known = _known(exercise, os.environ.get(PRIVATE_VARIABLE))
        tries = []
        for found in _attempts(exercise, answer, known.rounds):
            if all(map(meets, found, known.wanted)):
                return CheckResult(exercise.number, True, title + _praise(exercise, answer, known.rounds))
            tries.append(found)
        failed = next(i for i, found in enumerate(tries[0]) if not meets(found, known.wanted[i]))
        lines = [_difference(exercise, known.rounds[failed][0], tries[0][failed], known.wanted[failed])]
        empty = any("error" in found and found["error"].is_empty_answer for found in tries[0])
        mistakes = () if empty else _mistakes_made(exercise, tries, known)
    lines += [f"Hint: {' '.join(mistake.hint.split())}" for mistake in mistakes]
    if not mistakes and not empty:
        parts = parts_of(exercise) if exercise.builds_a_class else []
        if parts:
            lines.append(f"It is made of {', '.join(parts)}: where these are yours, check them first.")
        lines.append(f'hint("{exercise.number}") shows the hints one by one.')
    return CheckResult(
        exercise.number, False, title + "not right yet.\n" + "\n".join(f"  {line}" for line in lines)
    )


class Known:
    """What the solution of an exercise does in every round, and what typical wrong answers do, once it was needed.

    A round is a case with the seed of its random numbers; a teacher's own file may name other seeds and cases.
    """

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        private = private_checks()
        seeds = getattr(private, "SEEDS", {}).get(exercise.number, SEEDS)
        cases = getattr(private, "CASES", {}).get(exercise.number, exercise.cases)
        self.rounds: list[tuple[Case, int]] = []
        for seed in seeds:
            torch.manual_seed(seed)
            self.rounds += [(case, seed) for case in cases()]
        self.wanted = [observe(exercise, exercise.solution, case, seed) for case, seed in self.rounds]
        self._wrong: dict[tuple[str, ...], Any] = {}
        self._seen: dict[tuple[tuple[str, ...], int], Observation] = {}

    def wrong_answer_in(self, mistakes: Sequence[Mistake], number: int) -> Observation:
        """Return what the solution with these mistakes does in a round; ValueError where they do not go together."""
        names = tuple(mistake.name for mistake in mistakes)
        if names not in self._wrong:
            self._wrong[names] = self.exercise.wrong_answer(*mistakes)
        if (names, number) not in self._seen:
            case, seed = self.rounds[number]
            # Warnings are about the mistakes of others here.
            with warnings.catch_warnings(action="ignore"):
                self._seen[names, number] = observe(self.exercise, self._wrong[names], case, seed)
        return self._seen[names, number]


@functools.lru_cache(maxsize=4)
def _known(exercise: Exercise, private: str | None) -> Known:
    """Return what is known of an exercise; it is kept, since an answer is seldom right the first time."""
    return Known(exercise)


def _attempts(exercise: Exercise, answer: Any, rounds: list[tuple[Case, int]]) -> Iterator[list[Observation]]:
    """Yield what an answer does in all rounds, for each way to give it the solution's parameters."""
    for way in itertools.count():
        found = [observe(exercise, answer, case, seed, way) for case, seed in rounds]
        if all(each is None for each in found):
            return
        yield [each or {} for each in found]


def _mistakes_made(exercise: Exercise, tries: list[list[Observation]], known: Known) -> tuple[Mistake, ...]:
    """Return the typical mistake, or the two, whose wrong answer fails as this one does in every round."""
    alike = (
        _fail_alike if exercise.observe is None else lambda one, other, wanted: same_observations(one, other)
    )
    singles = [(mistake,) for mistake in exercise.mistakes]
    for mistakes in [*singles, *itertools.combinations(exercise.mistakes, 2)]:
        for found in tries:
            try:
                if all(
                    alike(found[i], known.wrong_answer_in(mistakes, i), wanted)
                    for i, wanted in enumerate(known.wanted)
                ):
                    return mistakes
            except (ValueError, SyntaxError):
                # Two changes of the solution that do not go together.
                break
    return ()


def _fail_alike(one: Observation, other: Observation, wanted: Observation) -> bool:
    """Say whether two answers are both right in a case, or first go wrong in the same way."""
    if meets(one, wanted) and meets(other, wanted):
        return True
    if any("error" in each for each in (one, other, wanted)):
        return same_observations(one, other)
    for key in wanted:
        if key not in one or key not in other:
            if key == WHERE_DROPOUT_ACTS:
                continue
            return one.keys() == other.keys()
        right = [same_seen(key, each[key], wanted[key]) for each in (one, other)]
        if not all(right):
            return not any(right) and same_seen(key, one[key], other[key])
    return True


# Words --------------------------------------------------------------------------------------------------


def _no_answer(exercise: Exercise, answer: Any) -> str:
    """Say what is wrong with an answer that cannot be called at all; nothing where it can."""
    kind = "class" if exercise.builds_a_class else "function"
    wanted = f'Give the {kind} itself: check("{exercise.number}", {exercise.name}).'
    if answer is None or answer is ...:
        return f"there is no answer yet. {wanted}"
    if exercise.builds_a_class and not inspect.isclass(answer):
        return f"this is an object of {type(answer).__name__} and no class. {wanted}"
    if not callable(answer):
        return f"this is an object of {type(answer).__name__} and no function. {wanted}"
    return ""


def _praise(exercise: Exercise, answer: Any, rounds: list[tuple[Case, int]]) -> str:
    seeds = len({seed for _, seed in rounds})
    cases = len(rounds) // seeds
    counted = "1 case" if cases == 1 else f"{cases} cases, each"
    text = f"right, in {counted} with {seeds} draws of random numbers."
    # Pretrained weights are those of the classes that nano.py collects.
    if not exercise.builds_a_class or exercise.solution.__module__ != nano.__name__:
        return text
    case = rounds[0][0]
    names = [dict(made(*case.build).named_parameters()).keys() for made in (exercise.solution, answer)]
    if names[0] != names[1]:
        text += (
            f"\n  Its parameters are called {_listed(names[1])}. Pretrained weights fit in only when they are called "
            f"{_listed(names[0])}."
        )
    return text


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names if len(names) <= 8 else [*names[:7], "and so on"])


def _difference(exercise: Exercise, case: Case, seen: Observation, wanted: Observation) -> str:
    """Say what an answer does first that the solution does not."""
    where = f"Case {case.name!r}: "
    if "error" in seen and "error" in wanted:
        return f"{where}{_call(exercise, case)} must raise {wanted['error'].kind}, and raised {seen['error'].kind}."
    if "error" in seen:
        raised = seen["error"]
        if raised.is_empty_answer:
            return "There is no answer yet: the cell still raises NotImplementedError."
        text = f"{where}{_call(exercise, case)} raised {raised.kind}: {_short(raised.message)}"
        text += f" (in the line: {raised.line})" if raised.line else ""
        return text + "".join(f"\n  {more}" for part, more in EXPLAINED.items() if part in raised.message)
    if "error" in wanted:
        return f"{where}{_call(exercise, case)} must raise {wanted['error'].kind}, and returned a result."
    key = next(key for key in wanted if not same_in(key, seen, wanted))
    match key:
        case "parameters":
            return (
                f"{where}the sizes of the parameters are {seen[key]}, and {wanted[key]} were expected (each list "
                "is one parameter, its sizes in ascending order). The check copies its own parameters into your class."
            )
        case "output" | "result":
            return f"{where}{_call(exercise, case)}: {_values(seen[key], wanted[key])}"
        case "output in training":
            return (
                f"{where}in evaluation the output is right, but not in training: dropout is missing, or acts in "
                f"another place. Where so much is dropped that nothing comes through, {_values(seen[key], wanted[key])}"
            )
        case "inputs left as they were":
            return f"{where}the result is right, but your answer changes its input; make a new tensor or list instead."
        case "gradients" | "gradients of the inputs" if seen.get(key) is None:
            return f"{where}no gradient reaches the parameters: is something detached, or computed under no_grad?"
        case "gradients":
            names = [name for name, each in wanted[key].items() if not same_seen(key, seen[key][name], each)]
            return f"{where}the output is right, but not the gradient of {_listed(names)}."
        case "gradients of the inputs":
            return f"{where}the output is right, but not the gradient that reaches the input."
        case "the same each time in evaluation":
            return f"{where}two calls in evaluation give different results; use nn.Dropout, which eval() switches off."
        case "the same each time in training":
            change = (
                "nothing is random: dropout is missing"
                if seen[key]
                else "there is dropout where none belongs, or with another probability than the configuration asks for"
            )
            return f"{where}the output is right in evaluation; in training {change}."
        case _ if key == WHERE_DROPOUT_ACTS:
            return (
                f"{where}in evaluation the output is right, and in training there is dropout, but it acts in another "
                "place than the task says, or with another probability."
            )
    return f"{where}{key}: {_short(repr(seen.get(key)))}, expected {_short(repr(wanted[key]))}."


def _call(exercise: Exercise, case: Case) -> str:
    if exercise.observe is not None:
        return f"the check of {exercise.name}"
    inputs = ", ".join(_shown(each) for each in case.inputs)
    return f"{'the call with ' if exercise.builds_a_class else exercise.name}({inputs})"


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        return (
            _short(f"tensor({_rounded(value.tolist())})")
            if value.numel() <= 12
            else f"tensor {list(value.shape)}"
        )
    if isinstance(value, list | tuple) and any(isinstance(each, Tensor | tuple) for each in value):
        return _short(f"[{', '.join(map(_shown, value))}]")
    return _short(repr(value))


def _rounded(value: Any) -> Any:
    """Return a number, or lists of numbers, with four digits that count."""
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _short(text: str, longest: int = 240) -> str:
    return text if len(text) <= longest else text[: longest - 4] + " ..."


def _kind(value: Any) -> str:
    """Name a result by its kind and shape."""
    if isinstance(value, Tensor):
        return f"tensor {list(value.shape)} of {str(value.dtype).removeprefix('torch.')} on {value.device}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__


def _values(seen: Any, wanted: Any) -> str:
    """Say how a result differs from the wanted one."""
    if isinstance(seen, Tensor) and isinstance(wanted, Tensor):
        return _tensors_differ(seen, wanted)
    if isinstance(seen, tuple) and isinstance(wanted, tuple) and len(seen) == len(wanted):
        place = next(i for i, each in enumerate(wanted) if not same_seen("result", seen[i], each))
        return f"result {place + 1} of {len(wanted)}: {_values(seen[place], wanted[place])}"
    if isinstance(seen, Mapping) and isinstance(wanted, Mapping):
        return _mappings_differ(seen, wanted)
    if isinstance(wanted, Tensor | tuple) or type(seen) is not type(wanted):
        return f"it returned {_kind(seen)}, and {_kind(wanted)} was expected."
    return f"it returned {_short(repr(seen))}, and {_short(repr(wanted))} was expected."


def _mappings_differ(seen: Mapping, wanted: Mapping) -> str:
    """Say which entries of a dictionary are missing or too many, or which is the first that differs."""
    missing = [key for key in wanted if key not in seen]
    extra = [key for key in seen if key not in wanted]
    if missing or extra:
        parts = [f"it lacks {_listed(map(repr, missing))}"] if missing else []
        parts += [f"{_listed(map(repr, extra))} does not belong into it"] if extra else []
        return f"it returned a dictionary with other entries: {', and '.join(parts)}."
    key = next(key for key in wanted if not same_seen("result", seen[key], wanted[key]))
    return f"entry {key!r}: {_values(seen[key], wanted[key])}"


def _tensors_differ(seen: Tensor, wanted: Tensor) -> str:
    """Say how two tensors differ: in shape, in kind, in numbers, and whether a factor or a shift explains it."""
    inexact = seen.is_floating_point() or wanted.is_floating_point()
    if seen.shape != wanted.shape or seen.device != wanted.device or (inexact and seen.dtype != wanted.dtype):
        turned = seen.shape != wanted.shape and sorted(seen.shape) == sorted(wanted.shape)
        end = " The sizes are right, but the axes stand in another order." if turned else ""
        return f"it returned a {_kind(seen)}, and a {_kind(wanted)} was expected.{end}"
    seen, wanted = seen.double(), wanted.double()
    bad = int((~seen.isfinite()).sum())
    if bad and wanted.isfinite().all():
        return f"{bad} of {seen.numel()} numbers are not finite (NaN or infinite)."
    size = float(wanted[wanted.isfinite()].abs().clamp(max=1e30).max())
    wrong = ~torch.isclose(seen, wanted, rtol=1e-3, atol=1e-4 * size, equal_nan=True)
    place = tuple(wrong.nonzero()[0].tolist())
    text = (
        f"{int(wrong.sum())} of {wanted.numel()} numbers differ, the first at {list(place)}: "
        f"{seen[place]:.4g}, and {wanted[place]:.4g} was expected."
    )
    ratios = (seen / wanted)[wanted.abs() > 0.01 * size]
    # The factor has to explain the numbers that should be 0, too.
    if len(ratios) > 2 and torch.allclose(seen, ratios.mean() * wanted, rtol=1e-3, atol=1e-4 * size):
        return f"{text} Every number is {ratios.mean():.3g} times what was expected."
    for shift in (-2, -1, 1, 2):
        if wanted.dim() == 3 and wanted.shape[1] > 5:
            moved = seen.roll(-shift, dims=1)[:, 2:-2]
            if torch.allclose(moved, wanted[:, 2:-2], rtol=1e-3, atol=1e-4 * size):
                return (
                    f"{text} The vectors stand {abs(shift)} positions too {'late' if shift > 0 else 'early'}."
                )
    return text
