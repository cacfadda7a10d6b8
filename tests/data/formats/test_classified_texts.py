"""Texts in tables and lines: quoting, line ends, labels of all three kinds, bad rows."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.data.examples import TextExample
from convbert_edu.data.formats.classified_texts import read_classified_table, read_labelled_lines


def test_csv_with_quotes_commas_and_line_ends_in_cells(write):
    path = write("a.csv", '\ufefftext,label\r\n"a, ""good"" one\r\nof two lines",pos\r\n\r\nbad,neg\r\n')
    file = read_classified_table(path)
    assert file.label_names == ("neg", "pos")
    assert file.examples == [TextExample('a, "good" one\r\nof two lines', 1), TextExample("bad", 0)]


def test_tsv_with_tabs_in_quotes_or_quotes_as_text(write):
    path = write("a.tsv", 'label\tone\tother\nyes\t"a\tb"\t𐍈 😀\n')
    assert read_classified_table(path, text="one", text_pair="other", label_names=("no", "yes")).examples == [
        TextExample("a\tb", 1, "𐍈 😀")
    ]
    path = write("b.tsv", 'text\tlabel\n"Stop, he said\tyes\nshe "left"\tno\n')
    with pytest.raises(ValueError, match=r"line 2: the quotation marks do not pair up .*quoted=False"):
        read_classified_table(path)
    assert [e.text for e in read_classified_table(path, quoted=False).examples] == [
        '"Stop, he said',
        'she "left"',
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1))
def test_whatever_the_csv_module_writes_is_read(tmp_path_factory: pytest.TempPathFactory, texts: list[str]):
    path = tmp_path_factory.mktemp("csv") / "all.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["text", "label"], *([text, "x"] for text in texts)])
    assert [example.text for example in read_classified_table(path).examples] == texts


def test_json_lines_with_labels_of_each_kind(write):
    path = write("a.jsonl", '{"text": "a", "label": 10}\n\n{"text": "b", "label": 9}\r\n')
    assert [e.label for e in read_classified_table(path).examples] == [1, 0]  # in the order of the numbers
    assert [e.label for e in read_classified_table(path, problem_type="regression").examples] == [10.0, 9.0]
    path = write("b.jsonl", '{"text": "a", "label": ["x", "soy sauce"]}\n{"text": "b", "label": []}\n')
    file = read_classified_table(path, problem_type="multi_label_classification")
    assert (file.label_names, [e.label for e in file.examples]) == (("soy sauce", "x"), [(1, 1), (0, 0)])


def test_a_name_of_a_file_may_end_in_capitals(write):
    assert read_classified_table(write("A.CSV", "text,label\na,x\n")).examples == [TextExample("a", 0)]
    assert read_classified_table(write("A.JSONL", '{"text": "a", "label": 1}')).examples == [
        TextExample("a", 0)
    ]


def test_two_columns_of_one_name_are_refused(write):
    with pytest.raises(ValueError, match="has two columns 'label'; give each a name of its own"):
        read_classified_table(write("a.csv", "text,label,label\na,x,y\n"))
    file = read_classified_table(write("b.csv", "text,label,,\na,x,,\n"))
    assert file.examples == [TextExample("a", 0)]


def test_a_missing_label_of_pandas_is_missing(write):
    path = write("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "label": NaN}\n')
    with pytest.raises(ValueError, match="line 2: the label is missing"):
        read_classified_table(path)


def test_several_labels_in_a_cell(write):
    path = write("a.csv", 'text,label\na,"x, y"\nb,\nc,y\n')
    file = read_classified_table(path, problem_type="multi_label_classification")
    assert [e.label for e in file.examples] == [(1, 1), (0, 0), (0, 1)]


def test_lines_that_begin_with_their_label(write):
    file = read_labelled_lines(write("a.txt", "\ufeffpos a good film\r\nneg\tbad  one\r\n\r\n"))
    assert file.examples == [TextExample("a good film", 1), TextExample("bad  one", 0)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c,", "line 4: the label is missing"),
        ("c,maybe", "line 4: the label 'maybe' is unknown; the labels are no, yes"),
        ("c,7", "line 4: the label 7 is out of range; 2 labels have numbers 0 to 1"),
        (" ,yes", "line 4: the text is empty"),
        ("c,yes,more", "line 4: it has 3 cells, but there are 2 columns"),
    ],
)
def test_bad_rows_stop_or_are_counted(write, row: str, message: str):
    path = write("a.csv", f"text,label\na,yes\nb,no\n{row}\nd,no\n")
    with pytest.raises(ValueError, match=message):
        read_classified_table(path, label_names=("no", "yes"))
    with pytest.warns(UserWarning, match=f"1 bad row was left out: {message}"):
        file = read_classified_table(path, label_names=("no", "yes"), on_bad="skip")
    assert [example.text for example in file.examples] == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("row", "message"),
    [("{", "it is no JSON"), ("[1]", "it is no JSON object"), ('{"label": 1}', "its text is missing"),
     ('{"text": 5, "label": 1}', "its text is no text: 5"), ('{"text": "a"}', "the label is missing")],
)  # fmt: skip
def test_bad_json_lines(write, row: str, message: str):
    with pytest.raises(ValueError, match=f"line 2: {message}"):
        read_classified_table(write("a.jsonl", f'{{"text": "a", "label": 0}}\n{row}\n'))


def test_a_number_that_is_no_label_of_the_training_file_is_not_taken_as_an_index(write):
    ratings = write("train.csv", "text,label\na,1\nb,3\nc,5\n")
    names = read_classified_table(ratings).label_names
    with pytest.raises(ValueError, match="line 2: the label '2' is unknown; the labels are 1, 3, 5"):
        read_classified_table(write("dev.csv", "text,label\na,2\n"), label_names=names)


def test_a_list_of_labels_is_not_the_name_of_one(write):
    path = write("a.jsonl", '{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": "x"}\n')
    with pytest.raises(ValueError, match=r"line 1: the label is a list, \['x', 'y'\]; .*multi_label_class"):
        read_classified_table(path)


def test_values_that_are_read_as_classes_are_warned_of(write, recwarn):
    path = write("a.csv", "text,label\na,3.5\nb,4\n")
    with pytest.warns(
        UserWarning, match=r"labels such as 3.5 are read as the names of 2 classes; .*=regression"
    ):
        assert read_classified_table(path).label_names == ("3.5", "4")
    read_classified_table(path, problem_type="regression")
    read_classified_table(write("b.csv", "text,label\na,1.5 stars\nb,2\n"))
    assert not recwarn.list


@pytest.mark.parametrize("value", ["nan", "inf", "high", ""])
def test_values_must_be_numbers(write, value: str):
    with pytest.raises(ValueError, match="line 3: the label"):
        read_classified_table(write("a.csv", f"text,label\na,1.5\nb,{value}\n"), problem_type="regression")


def test_a_column_that_is_not_there(write):
    path = write("a.csv", "review,stars\ngood,5\n")
    for column, option in ({}, "text"), ({"text": "review"}, "label"):
        with pytest.raises(ValueError, match=f"a.csv has no column '{option}'; its .*--read {option}=NAME"):
            read_classified_table(path, **column)
    with pytest.raises(ValueError, match=r"its columns are text;label \(commas part the cells in .csv"):
        read_classified_table(write("b.csv", "text;label\ngood;5\n"))


def test_a_list_of_json_is_refused_and_json_lines_are_read_whatever_their_name_ends_in(write):
    with pytest.raises(ValueError, match=r"a.json holds one JSON list; write one object a line"):
        read_classified_table(write("a.json", '[{"text": "a", "label": "x"},\n {"text": "b", "label": "y"}]'))
    file = read_classified_table(write("b.json", '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}'))
    assert file.label_names == ("x", "y")


@pytest.mark.parametrize("content", ["", "\ufeff", "\r\n\r\n", "text,label\n", ",,\n,,\n"])
def test_an_empty_file_is_refused(write, content: str):
    with pytest.raises(ValueError, match=r"a.csv holds no examples; it is empty"):
        read_classified_table(write("a.csv", content))


def test_files_that_cannot_be_read(write, tmp_path):
    with pytest.raises(
        ValueError, match=r"is not UTF-8 text: byte 14 cannot be read; convert the file \(iconv"
    ):
        read_classified_table(write("a.csv", b"text,label\nna\xefve,1\n"))
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_classified_table(tmp_path / "nowhere.csv")


def test_nothing_left_is_an_error_too(write):
    with (
        pytest.raises(ValueError, match=r"holds no examples \(1 bad row was left out"),
        pytest.warns(UserWarning, match="the text is empty"),
    ):
        read_classified_table(write("a.csv", "text,label\n ,1\n"), on_bad="skip")
