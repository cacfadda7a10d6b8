"""CoNLL columns: real shapes of files, and what is wrong with others."""

import warnings

import pytest

from convbert_edu.data.formats.conll import read_conll, read_conllu

CONLL_2003 = """-DOCSTART- -X- -X- O\r
\r
EU NNP B-NP B-ORG\r
rejects VBZ B-VP O\r
German JJ B-NP B-MISC\r
call NN I-NP I-MISC\r
\r
\r
Peter NNP B-NP B-PER\r
"""
TREEBANK = """\ufeff# sent_id = 1
# text = Au café 😀
1-2\tAu\t_\t_\t_\t_\t_\t_\t_\t_
1\tà\tà\tADP\tP\t_\t3\tcase\t_\t_
2\tle\tle\tDET\tD\t_\t3\tdet\t_\t_
3\tcafé au lait\tcafé\tNOUN\tN\t_\t0\troot\t_\t_
3.1\tgone\tgo\tVERB\tV\t_\t_\t_\t_\t_
4\t😀\t😀\tSYM\tS\t_\t3\tdiscourse\t_\t_

1\t#tag\ttag\tX\tX\t_\t0\troot\t_\t_
"""


def named(file, number: int) -> list[tuple[str, str]]:
    example = file.examples[number]
    return [
        (word, file.label_names[label]) for word, label in zip(example.words, example.labels, strict=True)
    ]


def test_a_file_of_four_columns(write):
    file = read_conll(write("train.txt", CONLL_2003))
    assert file.label_names == ("O", "B-MISC", "I-MISC", "B-ORG", "I-ORG", "B-PER", "I-PER")
    assert named(file, 0) == [("EU", "B-ORG"), ("rejects", "O"), ("German", "B-MISC"), ("call", "I-MISC")]
    assert named(file, 1) == [("Peter", "B-PER")]
    assert len(file.examples) == 2


def test_any_column_can_be_taken(write):
    path = write("train.txt", CONLL_2003)
    tags = read_conll(path, column=1)
    assert tags.label_names == ("JJ", "NN", "NNP", "VBZ")
    assert named(tags, 0)[1] == ("rejects", "VBZ")
    assert named(read_conll(path, column=2), 0)[-1] == ("call", "I-NP")


def test_tabs_and_a_word_that_begins_with_a_hash(write):
    file = read_conll(write("tweets.txt", "#photo\tO\nNew\u00a0York\tB-geo-loc\n\t\n \nBob\tB-person"))
    assert named(file, 0) == [("#photo", "O"), ("New\u00a0York", "B-geo-loc")]
    assert named(file, 1) == [("Bob", "B-person")]


def test_a_treebank(write):
    path = write("fr.conllu", TREEBANK)
    file = read_conllu(path)
    assert named(file, 0) == [("à", "ADP"), ("le", "DET"), ("café au lait", "NOUN"), ("😀", "SYM")]
    assert named(file, 1) == [("#tag", "X")]
    assert named(read_conllu(path, column="deprel"), 0)[-1] == ("😀", "discourse")
    with pytest.raises(ValueError, match="no column 'pos'; its columns are id, form, lemma, upos"):
        read_conllu(path, column="pos")


def test_labels_of_the_training_file_are_kept(write):
    names = ("O", "B-PER", "I-PER")
    file = read_conll(write("test.txt", "Ann S-PER\nsings O\n"), label_names=names)
    assert (file.label_names, file.examples[0].labels) == (names, (1, 0))
    with pytest.raises(ValueError, match="at line 1: the label 'B-LOC' is unknown; the labels are O, B-PER"):
        read_conll(write("test.txt", "Rome B-LOC\n"), label_names=names)


def test_a_column_that_is_not_there(write):
    with pytest.raises(ValueError, match=r"train.txt has no column 4; its columns are 0 to 3"):
        read_conll(write("train.txt", CONLL_2003), column=4)


@pytest.mark.parametrize("content", ["EU\nrejects\n\nPeter\n", "EU,B-ORG\nrejects,O\n"])
def test_words_are_not_taken_for_their_own_labels(write, content: str):
    with pytest.raises(
        ValueError, match=r"words and labels of .* would both be its column 0, of 1; columns are"
    ):
        read_conll(write("train.txt", content))
    with pytest.raises(ValueError, match="would both be its column 3, of 4"):
        read_conll(write("train.txt", CONLL_2003), word_column=3)


def test_a_missing_label_stops_or_is_counted(write):
    path = write("bad.txt", "a O\nb O\n\nc O\nd\n\ne O\nf O\n\ng\tO\nh\t\n")
    with pytest.raises(
        ValueError, match="the sentence at line 4: the line of 'd' has 1 columns instead of 2"
    ):
        read_conll(path)
    with pytest.warns(UserWarning, match="2 bad rows were left out: the sentence at line 4") as record:
        file = read_conll(path, on_bad="skip")
    assert "the label of 'h' is missing" in str(record[0].message)
    assert [example.words for example in file.examples] == [("a", "b"), ("e", "f")]
    assert file.bad.count == 2


def test_many_bad_rows_are_counted_and_the_first_named(write):
    path = write("bad.txt", "good O\n\n" + "bad\n\n" * 9 + "fine O\nwords O\n" * 9)
    with pytest.warns(UserWarning, match="line 11: .*; and 4 more"):
        assert read_conll(path, on_bad="skip").bad.count == 9


@pytest.mark.parametrize("content", ["", "\ufeff\r\n \n", "-DOCSTART- O\n\n"])
def test_an_empty_file_is_refused(write, content: str):
    with pytest.raises(ValueError, match=r"empty.txt holds no"):
        read_conll(write("empty.txt", content))


def test_a_good_file_gives_no_warning(write):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_conll(write("train.txt", CONLL_2003))
