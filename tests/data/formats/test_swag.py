"""SWAG files: quoted cells, four endings, labels in range."""

import pytest

from convbert_edu.data.examples import ChoiceExample
from convbert_edu.data.formats.glue import read_swag

HEAD = ",video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label\n"
ROW = '0,anetv_1,17,"A man, old. He","A man, old.",He,gold,"sings ""loud"".",runs.,sits 😀.,is a cat.,2\r\n'


def test_a_row(write):
    file = read_swag(write("train.csv", "\ufeff" + HEAD + ROW))
    assert file.examples == [
        ChoiceExample(
            "anetv_1 17", "A man, old.", ('sings "loud".', "runs.", "sits 😀.", "is a cat."), 2, "He"
        )
    ]
    assert file.label_names == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("runs.", ""), "line 3: choice 1 is missing"),
        (ROW.replace(",2\r", ",4\r"), "line 3: the label '4' is unknown; the labels are 0, 1, 2, 3"),
        (ROW.replace(",2\r", ",-1\r"), "line 3: the label '-1' is unknown"),
        (ROW.replace(",2\r", ",\r"), "line 3: the label is missing"),
        (ROW.replace(",2\r", "\r"), "line 3: it has 11 cells, but there are 12 columns"),
    ],
)
def test_bad_rows(write, row: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_swag(write("val.csv", HEAD + ROW + row))


def test_a_column_that_is_not_there(write):
    with pytest.raises(ValueError, match="no column 'label'; its columns are , video-id, fold-ind"):
        read_swag(write("test.csv", HEAD.replace(",label", "") + ROW.replace(",2\r", "\r")))
