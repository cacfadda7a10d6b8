"""Windows over a context, and the best answer in them, against cases worked out by hand."""

import numpy as np
import pytest

from convbert_edu import ConvBertConfig, ConvBertTokenizer
from convbert_edu.data.examples import Answer, QuestionExample, Splits
from convbert_edu.finetuning.tasks import QuestionAnswering

CONFIG = ConvBertConfig()
WORDS = [chr(ord("a") + number) for number in range(20)]  # a, b, c ... t: one token each
TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##n", "?"])
CONTEXT = " ".join(WORDS[:12])  # a b c d e f g h i j k l


def question(text: str = "q ?", answer: str = "", kind: str = "", context: str = CONTEXT) -> QuestionExample:
    answers = (Answer(answer, context.index(answer)),) if answer else ()
    return QuestionExample("q1", text, context, answers, kind)


def windows(example: QuestionExample, max_length: int = 10, stride: int = 2):
    return QuestionAnswering(stride=stride).encode([example], TOKENIZER, max_length, CONFIG)


def test_windows_overlap_and_hold_the_answer_only_where_it_is_whole():
    """[CLS] q ? [SEP] then five words [SEP]; each window begins three words after the one before."""
    encoded = windows(question(answer="d e f"))
    texts = [TOKENIZER.decode(ids, skip_special_tokens=True) for ids in encoded.input_ids]
    assert texts == ["q? a b c d e", "q? d e f g h", "q? g h i j k", "q? j k l"]
    assert encoded.starts.tolist() == [0, 4, 0, 0]
    assert encoded.ends.tolist() == [0, 6, 0, 0]
    assert encoded.example_of_row == [0, 0, 0, 0]
    assert [CONTEXT[slice(*span)] for span in encoded.spans[3] if span] == ["j", "k", "l"]


def test_answers_stand_at_characters_not_tokens():
    """A character beyond 16 bits before the answer, spaces around it, and an answer that ends inside a word."""
    context = "a 😀 b  cn d"
    example = QuestionExample("q", "q", context, (Answer(" cn ", 6),))
    encoded = windows(example, max_length=16)
    start, end = encoded.starts.item(), encoded.ends.item()
    assert context[encoded.spans[0][start][0] : encoded.spans[0][end][1]] == "cn"
    inside = QuestionExample("q", "q", context, (Answer("c", 7),))
    assert windows(inside, max_length=16).starts.item() == start


def scores(length: int, **by_position: float) -> np.ndarray:
    row = np.zeros(length, dtype=np.float32)
    for position, score in by_position.items():
        row[int(position[1:])] = score
    return row


def best(task: QuestionAnswering, example: QuestionExample, *rows: tuple[np.ndarray, np.ndarray]) -> dict:
    encoded = task.encode([example], TOKENIZER, 16, CONFIG)
    return task.predictions(list(rows), encoded, [example], CONFIG)[0]


# [CLS] q ? [SEP] a b c d e f g h i j k [SEP], then [CLS] q ? [SEP] i j k l [SEP]
TASK = QuestionAnswering(stride=3)


def test_the_best_pair_of_all_windows_wins():
    first = (scores(16, p5=2, p8=3), scores(16, p7=4, p1=9))  # the 9 is in the question
    second = (scores(9, p6=3), scores(9, p7=5))
    answer = best(TASK, question(), first, second)
    assert (answer["answer"], answer["start"]) == ("k l", CONTEXT.index("k"))
    assert [candidate["text"] for candidate in answer["n_best"]][:2] == ["k l", "b c d"]
    assert [candidate["score"] for candidate in answer["n_best"]][:2] == [8, 6]


def test_an_answer_does_not_end_before_it_begins_and_is_not_too_long():
    backwards = (scores(16, p8=5), scores(16, p5=5))
    assert best(TASK, question(), backwards, (scores(9), scores(9)))["n_best"][0]["score"] == 5
    far_apart = (scores(16, p4=5), scores(16, p14=5))
    nothing = (scores(9), scores(9))
    assert best(TASK, question(), far_apart, nothing)["answer"] == CONTEXT[: CONTEXT.index("k") + 1]
    short = QuestionAnswering(stride=3, max_answer_length=10)  # it has 11 tokens
    assert best(short, question(), far_apart, nothing)["n_best"][0]["score"] == 5


@pytest.mark.parametrize(
    ("null_scores", "threshold", "expected"),
    [((4, 9), 0.0, "b"), ((6, 9), 0.0, ""), ((6, 9), 1.5, "b"), ((9, 4), 0.0, "b")],
)
def test_no_answer_must_be_likely_in_every_window(
    null_scores: tuple[float, float], threshold: float, expected: str
):
    """The best answer has score 5; "none" has the lower one of its scores in the two windows."""
    task = QuestionAnswering(stride=3, may_be_unanswerable=True, null_score_diff_threshold=threshold)
    first = (scores(16, p0=null_scores[0], p5=3), scores(16, p5=2))
    second = (scores(9, p0=null_scores[1]), scores(9))
    assert best(task, question(), first, second)["answer"] == expected


def test_where_every_question_has_an_answer_none_is_not_one():
    first = (scores(16, p0=99, p5=3), scores(16, p5=2))
    answer = best(TASK, question(), first, (scores(9, p0=99), scores(9)))
    assert (answer["answer"], answer["null_score"]) == ("b", 99)


def test_scores_are_also_given_by_kind():
    """b is right; c d is half right of c d e f: F1 2 * 2 / (2 + 4)."""
    examples = [question(answer="b", kind="prose"), question(answer="c d e f", kind="list")]
    task = QuestionAnswering(stride=3)
    encoded = task.encode(examples, TOKENIZER, 32, CONFIG)
    results = [(scores(17, p5=3), scores(17, p5=2)), (scores(17, p6=3), scores(17, p7=2))]
    assert task.metrics(results, encoded, examples, CONFIG) == pytest.approx(
        {
            "exact_match": 0.5, "f1": (1 + 2 / 3) / 2, "exact_match_prose": 1, "f1_prose": 1,
            "exact_match_list": 0, "f1_list": 2 / 3,
        }
    )  # fmt: skip


def test_unanswerable_questions_are_noticed_in_the_training_split():
    with_none = Splits([question(answer="b"), question()], [], [])
    assert QuestionAnswering().fitted_to(with_none).may_be_unanswerable is True
    assert QuestionAnswering().fitted_to(Splits([question(answer="b")], [], [])).may_be_unanswerable is False
    settled = QuestionAnswering(may_be_unanswerable=False)
    assert settled.fitted_to(with_none) is settled


def test_a_question_that_leaves_no_room_is_named():
    """Three special tokens and five of the question leave two of ten, as many as two windows share."""
    with pytest.raises(
        ValueError, match=r"question of item 'q1' has 5 tokens; .* leaves 2 .* raise max_length"
    ):
        windows(question("q q q q ?"))
    assert len(windows(question("q q q q ?", context="a b"))) == 1  # all of a short context has room


def test_training_reads_all_windows_with_the_answer_and_a_share_of_the_others():
    """Four windows a question: the second holds the answer, so 3 of 4 are without an answer, 12 in all."""
    examples = [question(answer="d e f")] * 4
    for share, no_answer in ((1.0, 12), (0.5, 6), (0.25, 3), (0.1, 1), (0.0, 0)):
        task = QuestionAnswering(stride=2, no_answer_window_ratio=share)
        encoded = task.for_training(task.encode(examples, TOKENIZER, 10, CONFIG))
        assert sum(encoded.starts == 4) == 4
        assert sum(encoded.starts == 0) == no_answer
        assert len(encoded) == len(encoded.spans) == len(encoded.ends) == 4 + no_answer
        for ids, start in zip(
            encoded.input_ids, encoded.starts.tolist(), strict=True
        ):  # still belong together
            text = TOKENIZER.decode(ids, skip_special_tokens=True)
            assert (start == 4) == (text == "q? d e f g h")
        assert len(task.encode(examples, TOKENIZER, 10, CONFIG)) == 16  # measuring reads all of them
    half = QuestionAnswering(stride=2, no_answer_window_ratio=0.5)
    kept = half.for_training(half.encode(examples, TOKENIZER, 10, CONFIG))
    assert kept.example_of_row == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]  # evenly spread


def test_a_share_that_is_none_or_leaves_nothing_is_refused():
    for share in (-0.1, 1.1):
        with pytest.raises(
            ValueError, match=f"no_answer_window_ratio is {share}; it is a share, from 0 to 1"
        ):
            QuestionAnswering(no_answer_window_ratio=share)
    with pytest.raises(
        ValueError, match="none of the 4 windows holds an answer: nothing is left to learn from"
    ):
        QuestionAnswering(no_answer_window_ratio=0.0).for_training(windows(question()))
