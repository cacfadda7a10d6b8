"""The columns of all nine tasks of GLUE, in the layout of the published files."""

import pytest

from convbert_edu.data.examples import TextExample
from convbert_edu.data.formats.glue import GLUE_TASKS, read_glue

FILES = {
    "cola": ("gj04\t1\t\tThe book was read.\r\ngj04\t0\t*\tThe book were reads.\r\n", ["acceptable", "unacceptable"]),
    "sst2": ("sentence\tlabel\na \"gem\t1\ndull \t0\n", ["positive", "negative"]),
    "mrpc": ("\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t70\t71\tHe \"won .\tHe was first .\n"
             "0\t72\t73\tIt rose .\tIt fell .\n", ["equivalent", "not_equivalent"]),
    "stsb": ("index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
             "0\tmain\tMSRvid\t2012\t1\tnone\tnone\tA plane.\tAn air plane.\t5.000\n"
             "1\tmain\tMSRvid\t2012\t4\tnone\tnone\tA man.\tA dog.\t0.25\n", [5.0, 0.25]),
    "qqp": ("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhat is \"x?\tWho?\t0\n4\t5\t6\tHow?\t\t1\n",
            ["not_duplicate", "duplicate"]),
    "mnli": ("index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
             "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
             "0\t1\t1n\tfiction\t( a )\t( b )\t(R a)\t(R b)\tIt rains.\tIt is wet.\tneutral\tneutral\n"
             "1\t2\t2e\tfiction\t( a )\t( b )\t(R a)\t(R b)\tIt rains.\tIt rained.\tentailment\tentailment\n",
             ["neutral", "entailment"]),
    "qnli": ("index\tquestion\tsentence\tlabel\n0\tWhen?\tIn 1900.\tentailment\n1\tWho?\tIt did.\tnot_entailment\n",
             ["entailment", "not_entailment"]),
    "rte": ("index\tsentence1\tsentence2\tlabel\n0\tA b.\tB.\tentailment\n1\tA.\tB.\tnot_entailment\n",
            ["entailment", "not_entailment"]),
    "wnli": ("index\tsentence1\tsentence2\tlabel\n0\tA b.\tB.\t1\n1\tA.\tB.\t0\n", ["entailment", "not_entailment"]),
}  # fmt: skip


@pytest.mark.parametrize("task", GLUE_TASKS)
def test_labels_of_each_task(write, task: str):
    content, labels = FILES[task]
    file = read_glue(write("train.tsv", content), task)
    names = file.label_names
    assert [names[example.label] if names else example.label for example in file.examples] == labels
    assert all(type(example.label) is (int if names else float) for example in file.examples)


def test_texts_and_pairs(write):
    def first(task: str) -> TextExample:
        return read_glue(write("train.tsv", FILES[task][0]), task).examples[0]

    assert first("cola") == TextExample("The book was read.", 1)
    assert first("sst2") == TextExample('a "gem', 1)
    assert first("mrpc") == TextExample('He "won .', 1, "He was first .")
    assert first("stsb") == TextExample("A plane.", 5.0, "An air plane.")
    assert first("qqp") == TextExample('What is "x?', 0, "Who?")
    assert first("mnli") == TextExample("It rains.", 1, "It is wet.")
    assert first("qnli") == TextExample("When?", 0, "In 1900.")


def test_nine_tasks(write):
    assert len(GLUE_TASKS) == len(FILES) == 9
    with pytest.raises(ValueError, match="no task 'snli'; choose one of cola, sst2"):
        read_glue(write("train.tsv", "x"), "snli")


def test_bad_rows_of_a_glue_file(write):
    head = "index\tquestion\tsentence\tlabel\n"
    with pytest.raises(
        ValueError, match="line 2: the label '-' is unknown; the labels are entailment, not_ent"
    ):
        read_glue(write("dev.tsv", f"{head}0\tWho?\tHe.\t-\n"), "qnli")
    with pytest.raises(ValueError, match="line 3: it has 2 cells, but there are 4 columns"):
        read_glue(write("dev.tsv", f"{head}0\tWho?\tHe.\tentailment\n1\tbroken\n"), "qnli")
    with pytest.raises(ValueError, match="no column 'label'; its columns are index, question, sentence"):
        read_glue(write("test.tsv", "index\tquestion\tsentence\n0\tWho?\tHe.\n"), "qnli")
