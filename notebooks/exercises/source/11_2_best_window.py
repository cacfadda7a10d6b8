"""Exercise 11.2: one answer for a passage that was cut into windows (lesson 11)"""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def answer_of_windows(windows, threshold):
    """Return the best answer over all windows, as positions in the passage; None where no answer is better."""
    best = max(windows, key=lambda window: window["score"])
    no_answer = min(window["no_answer"] for window in windows)
    if no_answer - best["score"] > threshold:
        return None
    return best["first"] + best["start"], best["first"] + best["end"]


def by_walking(windows, threshold):
    """One walk over all windows."""
    top, lowest, span = float("-inf"), float("inf"), None
    for window in windows:
        if window["score"] > top:
            top = window["score"]
            span = (window["start"] + window["first"], window["end"] + window["first"])
        lowest = min(lowest, window["no_answer"])
    return span if lowest - top <= threshold else None


def by_sorting(windows, threshold):
    """The windows are sorted by their scores."""
    ranked = sorted(windows, key=lambda w: w["score"], reverse=True)
    silent = sorted(w["no_answer"] for w in windows)[0]
    winner = ranked[0]
    if silent > winner["score"] + threshold:
        return None
    return tuple(winner["first"] + winner[which] for which in ("start", "end"))


def with_dictionaries(windows, limit):
    """Spans in the passage first, with their scores."""
    spans = {
        (w["first"] + w["start"], w["first"] + w["end"]): w["score"]
        for w in sorted(windows, key=lambda w: w["score"])
    }
    best = max(spans, key=spans.get)
    if min([w["no_answer"] for w in windows]) - spans[best] > limit:
        return None
    return best


def cases():
    """Windows that agree and that do not, several thresholds."""

    def window(first, start, end, score, no_answer):
        return dict(first=first, start=start, end=end, score=score, no_answer=no_answer)

    far = [window(0, 3, 4, 2.0, 5.0), window(20, 7, 9, 6.0, 1.0), window(40, 2, 2, 3.0, 8.0)]
    for threshold in (0.0, -6.0, -4.0, 10.0):
        yield Case(f"the answer is in the second of three windows, threshold {threshold}", (far, threshold))
    none = [window(0, 1, 2, 1.0, 4.0), window(10, 1, 1, 2.0, 3.5)]
    for threshold in (0.0, 1.5, 2.0):
        yield Case(f"no answer is better, threshold {threshold}", (none, threshold))
    middle = [window(0, 1, 1, 3.0, 0.0), window(9, 2, 3, 1.0, 0.0), window(18, 1, 2, 5.0, 0.0)]
    yield Case("the worst window is the second", (middle, 0.0))
    yield Case("one window", ([window(5, 0, 3, 1.0, 0.5)], 0.0))
    yield Case("negative scores", ([window(0, 1, 1, -3.0, -2.0), window(8, 2, 4, -1.0, -0.5)], 0.0))


def shown(answer_of_windows):
    """The second window has the better answer."""
    first = dict(first=0, start=4, end=5, score=1.0, no_answer=2.0)
    second = dict(first=30, start=2, end=3, score=7.0, no_answer=0.0)
    assert answer_of_windows([first, second], 0.0) == (32, 33)


EXERCISE = Exercise(
    number="11.2",
    title="One answer from several windows",
    difficulty="medium",
    minutes=15,
    task=r"""
A long passage is cut into windows, and each has its best answer (exercise 11.1). Write `answer_of_windows(windows,
threshold)`. A window is a dictionary: `first`, the position in the passage of the window's first passage token;
`start` and `end`, the best answer of the window, counted from there; `score`, its score; and `no_answer`, the
window's score for *there is no answer here*.

The answer is that of the window with the highest score. A question has no answer only if no window holds one, so
its score for *no answer* is the lowest over all windows. Where this is higher than the best score by more than
`threshold`, return `None`; else the positions of the answer's first and last token in the passage, as a tuple.
""",
    solution=answer_of_windows,
    cases=cases,
    shown=shown,
    hints=[
        "Two things are looked for over all windows: the highest score, and the lowest score for no answer.",
        "start and end count from the beginning of the window's part of the passage.",
    ],
    mistakes=[
        Mistake(
            "the first window",
            [('max(windows, key=lambda window: window["score"])', "windows[0]")],
            "You take the answer of the first window. Which window is the best?",
        ),
        Mistake(
            "positions in the window",
            [('best["first"] + best["start"], best["first"] + best["end"]', 'best["start"], best["end"]')],
            "Your positions count from the beginning of the window, not of the passage.",
        ),
        Mistake(
            "only the start is moved",
            [('best["first"] + best["end"]', 'best["end"]')],
            "Both positions have to be moved by the window's first position.",
        ),
        Mistake(
            "the highest score for no answer",
            [("min(window", "max(window")],
            "Most windows of a long passage hold no answer, and say so. That does not mean that no window "
            "holds one.",
        ),
        Mistake(
            "no answer by the best window alone",
            [('min(window["no_answer"] for window in windows)', 'best["no_answer"]')],
            "The score for no answer is the lowest of all windows, not that of the best window.",
        ),
        Mistake(
            "the mean score for no answer",
            [
                (
                    'min(window["no_answer"] for window in windows)',
                    'sum(window["no_answer"] for window in windows) / len(windows)',
                )
            ],
            "You average the scores for no answer over the windows.",
        ),
        Mistake(
            "the threshold is not used",
            [("> threshold", "> 0")],
            "What is the threshold for?",
        ),
        Mistake(
            "the difference is turned round",
            [('no_answer - best["score"] > threshold', 'best["score"] - no_answer > threshold')],
            "You return None where the answer is better than no answer.",
        ),
        Mistake(
            "never silent",
            [('no_answer - best["score"] > threshold', "False")],
            "Your function always answers.",
        ),
        Mistake(
            "silent at the threshold",
            [("> threshold", ">= threshold")],
            "Where the difference equals the threshold there is an answer: it must be more.",
        ),
        Mistake(
            "the lowest score",
            [("best = max(", "best = min(")],
            "You take the answer with the lowest score.",
        ),
    ],
    other_ways=[by_walking, by_sorting, with_dictionaries],
)
