"""The tokenizer on a vocabulary of twenty tokens, small enough to compute every expected number by hand."""

import json
import pickle
import threading

import numpy as np
import pytest
import torch
from tokenizers import AddedToken
from torch.utils.data import DataLoader

from convbert_edu.tokenizer import ConvBertTokenizer, ConvBertTokenizerFast

#         0        1        2        3        4         5      6       7      8     9          10
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "un", "##watch", "##able",
         "good", "##s", "cafe", "café", "Film", ".", ",", "中", "a"]  # fmt: skip
#         11      12     13      14      15      16   17   18   19
TEXT = "The films was unwatchable."
TEXT_IDS = [2, 5, 6, 12, 7, 8, 9, 10, 16, 3]  # [CLS] the film ##s was un ##watch ##able . [SEP]


@pytest.fixture
def tokenizer():
    return ConvBertTokenizer(VOCAB)


# Text to ids


def test_one_text_gives_flat_lists(tokenizer):
    assert tokenizer(TEXT) == {
        "input_ids": TEXT_IDS,
        "token_type_ids": [0] * 10,
        "attention_mask": [1] * 10,
    }


def test_a_list_of_texts_gives_a_list_of_rows(tokenizer):
    assert tokenizer([TEXT, "good"])["input_ids"] == [TEXT_IDS, [2, 11, 3]]


def test_a_pair_has_token_type_one_in_its_second_text(tokenizer):
    batch = tokenizer("good film", "the films")
    assert batch["input_ids"] == [2, 11, 6, 3, 5, 6, 12, 3]
    assert batch["token_type_ids"] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_without_special_tokens(tokenizer):
    batch = tokenizer("good film", "the", add_special_tokens=False, return_special_tokens_mask=True)
    assert batch["input_ids"] == [11, 6, 5]
    assert batch["token_type_ids"] == [0, 0, 1]
    assert batch["special_tokens_mask"] == [0, 0, 0]


def test_a_word_without_pieces_in_the_vocabulary_is_unknown_as_a_whole(tokenizer):
    assert tokenizer("good unwatched xyz", add_special_tokens=False)["input_ids"] == [11, 1, 1]


def test_special_tokens_written_in_the_text_are_one_token_each(tokenizer):
    assert tokenizer("the [MASK] was[SEP]")["input_ids"] == [2, 5, 4, 7, 3, 3]


def test_lower_case_and_accents(tokenizer):
    def ids(text, **options):
        return ConvBertTokenizer(VOCAB, **options)(text, add_special_tokens=False)["input_ids"]

    assert ids("Film café") == [6, 13]
    assert ids("Film café", strip_accents=False) == [6, 14]
    assert ids("Film café", do_lower_case=False) == [15, 14]
    assert ids("Film café", do_lower_case=False, strip_accents=True) == [15, 13]


def test_chinese_characters_are_words_of_their_own_unless_told_otherwise(tokenizer):
    assert tokenizer("film中film", add_special_tokens=False)["input_ids"] == [6, 18, 6]
    together = ConvBertTokenizer(VOCAB, tokenize_chinese_chars=False)
    assert together("film中film", add_special_tokens=False)["input_ids"] == [1]


def test_words_that_are_split_already(tokenizer):
    batch = tokenizer(["films", "unwatchable", "."], is_split_into_words=True)
    assert batch["input_ids"] == [2, 6, 12, 8, 9, 10, 16, 3]
    assert batch.word_ids() == [None, 0, 0, 1, 1, 1, 2, None]
    rows = tokenizer([["films"], ["the", "film"]], [["good"], ["a"]], is_split_into_words=True)
    assert rows["input_ids"] == [[2, 6, 12, 3, 11, 3], [2, 5, 6, 3, 19, 3]]


def test_the_columns_can_be_chosen(tokenizer):
    batch = tokenizer("good", return_token_type_ids=False, return_attention_mask=False)
    assert list(batch) == ["input_ids"]


# Padding and truncation


def test_padding_to_the_longest_on_either_side():
    right = ConvBertTokenizer(VOCAB)(["good", "the film"], padding=True)
    assert right["input_ids"] == [[2, 11, 3, 0], [2, 5, 6, 3]]
    assert right["attention_mask"] == [[1, 1, 1, 0], [1, 1, 1, 1]]
    left = ConvBertTokenizer(VOCAB, padding_side="left")(["good", "the film"], padding=True)
    assert left["input_ids"] == [[0, 2, 11, 3], [2, 5, 6, 3]]
    assert left["attention_mask"] == [[0, 1, 1, 1], [1, 1, 1, 1]]


def test_padding_to_a_given_length_and_to_a_multiple(tokenizer):
    assert tokenizer("good", padding="max_length", max_length=5)["input_ids"] == [2, 11, 3, 0, 0]
    assert tokenizer("good film", padding=True, pad_to_multiple_of=3)["input_ids"] == [2, 11, 6, 3, 0, 0]


def test_truncation_keeps_the_special_tokens(tokenizer):
    assert tokenizer(TEXT, truncation=True, max_length=5)["input_ids"] == [2, 5, 6, 12, 3]
    assert tokenizer(TEXT, max_length=5)["input_ids"] == [2, 5, 6, 12, 3]
    assert tokenizer(TEXT, max_length=2)["input_ids"] == [2, 3]
    left = ConvBertTokenizer(VOCAB, truncation_side="left")
    assert left(TEXT, truncation=True, max_length=5)["input_ids"] == [2, 9, 10, 16, 3]


def test_the_length_of_the_model_is_the_default_length():
    tokenizer = ConvBertTokenizer(VOCAB, model_max_length=4)
    assert tokenizer(TEXT, truncation=True)["input_ids"] == [2, 5, 6, 3]
    assert tokenizer("a", padding="max_length")["input_ids"] == [2, 19, 3, 0]


def test_pairs_are_cut_where_the_strategy_says(tokenizer):
    def ids(strategy):
        return tokenizer("the film was good", "a a", truncation=strategy, max_length=7)["input_ids"]

    assert ids("longest_first") == [2, 5, 6, 3, 19, 19, 3]
    assert ids("only_first") == [2, 5, 6, 3, 19, 19, 3]
    with pytest.raises(ValueError, match="pair 0 cannot be cut"):
        ids("only_second")
    longer = tokenizer("a", "the film was good", truncation="only_second", max_length=6)
    assert longer["input_ids"] == [2, 19, 3, 5, 6, 3]


def test_what_is_cut_off_comes_back_as_overlapping_rows(tokenizer):
    batch = tokenizer(
        ["the film was good", "a"],
        truncation=True,
        max_length=5,
        stride=1,
        padding=True,
        return_overflowing_tokens=True,
        return_tensors="pt",
    )
    assert batch.input_ids.tolist() == [[2, 5, 6, 7, 3], [2, 7, 11, 3, 0], [2, 19, 3, 0, 0]]
    assert batch.overflow_to_sample_mapping.tolist() == [0, 0, 1]


def test_no_setting_outlives_its_call(tokenizer):
    before = tokenizer(["good", TEXT])
    tokenizer(["good", TEXT], padding="max_length", truncation=True, max_length=4)
    tokenizer(["good", TEXT], padding=True, pad_to_multiple_of=16)
    tokenizer([TEXT, TEXT], truncation=True, max_length=8, stride=3, return_overflowing_tokens=True)
    assert tokenizer(["good", TEXT]) == before


def test_threads_with_different_settings_do_not_disturb_each_other(tokenizer):
    wrong = []

    def work(length):
        for _ in range(200):
            ids = tokenizer([TEXT, "good"], padding="max_length", truncation=True, max_length=length)[
                "input_ids"
            ]
            if [len(row) for row in ids] != [length, length]:
                wrong.append(length)

    threads = [threading.Thread(target=work, args=(length,)) for length in (4, 6, 9, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_workers_of_a_data_loader_tokenise_without_a_warning(tokenizer, capfd):
    tokenizer([TEXT] * 100)  # the library has used its threads before the workers are forked
    loader = DataLoader(
        ["good", "the film"],
        batch_size=2,
        num_workers=1,
        collate_fn=lambda texts: tokenizer(texts, padding=True, return_tensors="pt"),
        multiprocessing_context="fork",
    )
    (batch,) = list(loader)
    assert batch.input_ids.tolist() == [[2, 11, 3, 0], [2, 5, 6, 3]]
    assert capfd.readouterr().err == ""


# What a call gives back


@pytest.mark.parametrize(("kind", "array"), [("pt", torch.Tensor), ("np", np.ndarray)])
def test_tensors_have_a_batch_axis_and_whole_numbers(tokenizer, kind, array):
    batch = tokenizer("good film", return_tensors=kind, return_offsets_mapping=True)
    assert all(isinstance(value, array) for value in batch.values())
    assert tuple(batch.input_ids.shape) == (1, 4)
    assert tuple(batch.offset_mapping.shape) == (1, 4, 2)
    assert str(batch.input_ids.dtype).endswith("int64")


def test_offsets_point_into_the_text(tokenizer):
    offsets = tokenizer("Café, films", return_offsets_mapping=True)["offset_mapping"]
    assert offsets == [(0, 0), (0, 4), (4, 5), (6, 10), (10, 11), (0, 0)]


def test_a_batch_can_be_asked_where_its_tokens_come_from(tokenizer):
    batch = tokenizer(["a film", "the films"], ["good", "was unwatchable"])
    assert batch.tokens(1) == [
        "[CLS]",
        "the",
        "film",
        "##s",
        "[SEP]",
        "was",
        "un",
        "##watch",
        "##able",
        "[SEP]",
    ]
    assert batch.word_ids(1) == [None, 0, 1, 1, None, 0, 1, 1, 1, None]
    assert batch.sequence_ids(0) == [None, 0, 0, None, 1, None]
    assert batch.char_to_token(1, 8) == 3  # the s of films
    assert batch.char_to_token(1, 4, 1) == batch.char_to_token(1, 4, sequence_index=1) == 6  # the u of un
    assert batch.char_to_token(2) == 2  # row 0 when only a character is given: the f of film
    assert batch.char_to_token(0, 1) is None  # a space


def test_a_batch_goes_into_a_model_as_keywords_and_to_a_device(tokenizer):
    def model(input_ids, token_type_ids, attention_mask):
        return input_ids.device.type, tuple(attention_mask.shape)

    batch = tokenizer("good", return_tensors="pt")
    assert model(**batch) == ("cpu", (1, 3))
    assert batch.to("meta") is batch
    assert model(**batch) == ("meta", (1, 3))
    with pytest.raises(AttributeError, match="has no 'labels'; it has input_ids"):
        _ = batch.labels


def test_tokenizer_and_batch_survive_pickling(tokenizer):
    copy = pickle.loads(pickle.dumps(tokenizer))
    batch = pickle.loads(pickle.dumps(copy(TEXT)))
    assert batch == tokenizer(TEXT)
    assert batch.tokens() == tokenizer(TEXT).tokens()


# Ids and tokens


def test_the_special_tokens_can_be_read_as_text_and_as_id(tokenizer):
    names = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(tokenizer, f"{name}_token") for name in names] == VOCAB[:5]
    assert [getattr(tokenizer, f"{name}_token_id") for name in names] == [0, 1, 2, 3, 4]
    assert sorted(tokenizer.all_special_ids) == [0, 1, 2, 3, 4]
    assert sorted(tokenizer.all_special_tokens) == sorted(VOCAB[:5])
    other = ConvBertTokenizer([*VOCAB, "<pad>"], pad_token="<pad>")
    assert (other.pad_token_id, other(["a", "a a"], padding=True)["input_ids"]) == (
        20,
        [[2, 19, 3, 20], [2, 19, 19, 3]],
    )


def test_the_vocabulary(tokenizer):
    assert tokenizer.get_vocab() == {token: index for index, token in enumerate(VOCAB)}
    assert tokenizer.vocab_size == len(tokenizer) == 20
    assert repr(tokenizer) == "ConvBertTokenizer(20 tokens, do_lower_case=True)"
    assert ConvBertTokenizerFast is ConvBertTokenizer


def test_tokens_to_ids_and_back(tokenizer):
    assert tokenizer.tokenize(TEXT) == ["the", "film", "##s", "was", "un", "##watch", "##able", "."]
    assert tokenizer.tokenize("a", "film", add_special_tokens=True) == [
        "[CLS]",
        "a",
        "[SEP]",
        "film",
        "[SEP]",
    ]
    assert tokenizer.convert_tokens_to_ids("film") == 6
    assert tokenizer.convert_tokens_to_ids(["film", "nowhere"]) == [6, 1]
    assert tokenizer.convert_ids_to_tokens(6) == tokenizer.convert_ids_to_tokens(torch.tensor(6)) == "film"
    assert tokenizer.convert_ids_to_tokens([2, 6, 3]) == ["[CLS]", "film", "[SEP]"]
    assert tokenizer.convert_ids_to_tokens(np.array([2, 6, 3]), skip_special_tokens=True) == ["film"]


@pytest.mark.parametrize(
    "kind", [list, tuple, torch.tensor, np.array], ids=["list", "tuple", "tensor", "array"]
)
def test_decoding_joins_the_pieces(tokenizer, kind):
    assert tokenizer.decode(kind(TEXT_IDS)) == "[CLS] the films was unwatchable. [SEP]"
    assert tokenizer.decode(kind(TEXT_IDS), skip_special_tokens=True) == "the films was unwatchable."
    assert tokenizer.batch_decode(kind([[5, 6], [6, 12]])) == ["the film", "films"]


def test_decoding_single_ids(tokenizer):
    assert (
        tokenizer.decode(6)
        == tokenizer.decode(torch.tensor(6))
        == tokenizer.decode(torch.tensor([6]))
        == "film"
    )
    assert tokenizer.decode([torch.tensor(5), np.int64(6)]) == "the film"
    assert tokenizer.decode([]) == ""


def test_adding_special_tokens_to_ids(tokenizer):
    first, second = [5, 6], [11]
    assert tokenizer.build_inputs_with_special_tokens(first) == [2, 5, 6, 3]
    assert tokenizer.build_inputs_with_special_tokens(first, second) == [2, 5, 6, 3, 11, 3]
    assert tokenizer.create_token_type_ids_from_sequences(first) == [0, 0, 0, 0]
    assert tokenizer.create_token_type_ids_from_sequences(first, second) == [0, 0, 0, 0, 1, 1]
    assert tokenizer.get_special_tokens_mask(first) == [1, 0, 0, 1]
    assert tokenizer.get_special_tokens_mask(first, second) == [1, 0, 0, 1, 0, 1]
    whole = tokenizer.build_inputs_with_special_tokens(first, second)
    assert tokenizer.get_special_tokens_mask(whole, already_has_special_tokens=True) == [1, 0, 0, 1, 0, 1]
    assert tokenizer.get_special_tokens_mask(torch.tensor([4, 0, 6]), already_has_special_tokens=True) == [
        1,
        1,
        0,
    ]
    assert (tokenizer.num_special_tokens_to_add(), tokenizer.num_special_tokens_to_add(pair=True)) == (2, 3)


# Learning a vocabulary

CORPUS = ["the film was good", "the films were bad", "a good film, a bad film", "unwatchable films"] * 5


def test_a_learnt_vocabulary_splits_its_texts_and_starts_with_the_special_tokens():
    tokenizer = ConvBertTokenizer.train(CORPUS, vocab_size=80)
    assert tokenizer.convert_ids_to_tokens(range(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(tokenizer) <= 80
    assert tokenizer.tokenize("the film") == ["the", "film"]
    assert all(tokenizer.unk_token_id not in row for row in tokenizer(CORPUS)["input_ids"])


def test_learning_twice_gives_the_same_vocabulary():
    # Many pieces stand together equally often here, so the order in which ties are resolved shows.
    texts = ["".join(chr(97 + (i * j) % 26) for j in range(1, 9)) for i in range(1, 200)]
    vocabularies = [
        ConvBertTokenizer.train(iter(texts), vocab_size=150, min_frequency=1).get_vocab() for _ in range(8)
    ]
    assert len(vocabularies[0]) == 150
    assert all(vocabulary == vocabularies[0] for vocabulary in vocabularies)


def test_learning_keeps_the_most_frequent_characters_of_a_huge_alphabet():
    rare = [chr(0x4E00 + i) for i in range(1500)]  # Chinese characters, each once
    tokenizer = ConvBertTokenizer.train(["film " + "".join(rare)], vocab_size=3000, min_frequency=1)
    assert tokenizer.tokenize("film") != ["[UNK]"]
    kept = [character for character in rare if character in tokenizer.get_vocab()]
    assert len(kept) == 1000 - len("film")
    assert kept == rare[: len(kept)]  # equally common ones go by alphabet, not by chance


def test_learning_with_the_options_of_the_tokenizer():
    cased = ConvBertTokenizer.train(["Film Film"], vocab_size=40, do_lower_case=False, model_max_length=12)
    assert cased.tokenize("Film") == ["Film"]
    assert cased.model_max_length == 12
    renamed = ConvBertTokenizer.train(["film"], vocab_size=40, pad_token="<pad>", mask_token=None)
    assert renamed.convert_ids_to_tokens([0, 1, 2, 3]) == ["<pad>", "[UNK]", "[CLS]", "[SEP]"]
    assert (renamed.pad_token_id, renamed.mask_token) == (0, None)


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        ("the film", {}, TypeError, "texts is one string"),
        (iter(["a", None]), {}, TypeError, r"texts\[1\] must be a string, but is 'None' of type NoneType"),
        ([], {}, ValueError, r"no word to learn from \(0 texts\)"),
        ([" ", "\n"], {}, ValueError, r"no word to learn from \(2 texts\)"),
        (CORPUS, {"vocab_size": 10}, ValueError, "vocab_size is 10, .* need 3[0-9]"),
    ],
)
def test_learning_refuses(texts, options, error, message):
    with pytest.raises(error, match=message):
        ConvBertTokenizer.train(texts, **options)


# Files


def test_saving_and_opening_gives_the_same_tokenizer(tmp_path):
    options = {
        "do_lower_case": False,
        "strip_accents": True,
        "tokenize_chinese_chars": False,
        "model_max_length": 7,
        "padding_side": "left",
        "truncation_side": "left",
        "mask_token": None,
    }
    saved = ConvBertTokenizer(VOCAB, **options)
    paths = saved.save_pretrained(tmp_path / "new" / "folder")
    assert [path.rsplit("/", 1)[-1] for path in paths] == [
        "vocab.txt",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(
        p.rsplit("/", 1)[-1] for p in paths
    )
    opened = ConvBertTokenizer.from_pretrained(tmp_path / "new" / "folder")
    assert {name: getattr(opened, name) for name in options} == options
    assert opened.get_vocab() == saved.get_vocab()
    assert opened([TEXT, "Film café中"], truncation=True) == saved([TEXT, "Film café中"], truncation=True)


def test_the_vocabulary_alone_makes_a_tokenizer(tokenizer, tmp_path):
    (path,) = tokenizer.save_vocabulary(tmp_path)
    assert (tmp_path / "vocab.txt").read_text(encoding="utf-8").split("\n") == [*VOCAB, ""]
    assert ConvBertTokenizer(path).get_vocab() == tokenizer.get_vocab()
    assert ConvBertTokenizer.from_pretrained(tmp_path)(TEXT)["input_ids"] == TEXT_IDS
    (prefixed,) = tokenizer.save_vocabulary(str(tmp_path), filename_prefix="small")
    assert prefixed.endswith("small-vocab.txt")


def test_a_vocabulary_file_may_have_windows_line_ends_and_a_mark_at_its_start(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*VOCAB, "\u2028x", ""]).encode())
    assert ConvBertTokenizer(tmp_path / "vocab.txt").get_vocab() == {
        t: i for i, t in enumerate([*VOCAB, "\u2028x"])
    }


def test_the_configuration_of_a_folder_counts_and_options_replace_it(tmp_path):
    ConvBertTokenizer([*VOCAB, "<m>"]).save_vocabulary(tmp_path)
    config = {
        "do_lower_case": False,
        "strip_accents": False,
        "tokenize_chinese_chars": False,
        "model_max_length": 1e30,
        "mask_token": {"content": "<m>", "lstrip": True, "__type": "AddedToken"},
        "some_other_key": 1,
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = ConvBertTokenizer.from_pretrained(tmp_path)
    assert (tokenizer.mask_token_id, tokenizer.model_max_length, tokenizer.strip_accents) == (20, None, False)
    assert tokenizer("Film <m>", return_offsets_mapping=True)["offset_mapping"][2] == (
        4,
        8,
    )  # takes its space along
    assert ConvBertTokenizer.from_pretrained(tmp_path, do_lower_case=True).tokenize("Film") == ["film"]


def test_what_the_configuration_leaves_open_comes_from_tokenizer_json(tmp_path):
    ConvBertTokenizer(VOCAB, do_lower_case=False).save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "vocab.txt").unlink()
    assert ConvBertTokenizer.from_pretrained(tmp_path).tokenize("Film") == ["Film"]


def test_tokens_added_to_the_vocabulary_have_the_ids_they_are_given():
    added = {21: AddedToken("<two>", special=True), 20: AddedToken("<one>", special=False)}
    tokenizer = ConvBertTokenizer(VOCAB, added_tokens=added)
    assert tokenizer("a<one><two>", add_special_tokens=False)["input_ids"] == [19, 20, 21]
    assert (len(tokenizer), tokenizer.vocab_size) == (22, 20)
    assert 21 in tokenizer.all_special_ids
    assert 20 not in tokenizer.all_special_ids


# Errors


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "vocab.txt is empty"),
        (b"\n\n", "vocab.txt is empty"),
        ("\n".join([*VOCAB, "film"]).encode(), "'film' twice, at line 7 and line 21"),
        ("\n".join(VOCAB).encode("utf-16"), "vocab.txt is not UTF-8"),
        ("\n".join(VOCAB[:4] + VOCAB[5:]).encode(), r"lacks '\[MASK\]', the mask_token"),
        ("\n".join(VOCAB[1:]).encode(), r"lacks '\[PAD\]', the pad_token"),
    ],
)
def test_a_vocabulary_file_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        ConvBertTokenizer(tmp_path / "vocab.txt")
    with pytest.raises(ValueError, match=message):
        ConvBertTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("vocab", "message"),
    [
        ([], "vocab is empty"),
        ({}, "vocab is an empty"),
        ([*VOCAB, "[SEP]"], r"'\[SEP\]' twice, at position 3 and position 20"),
        ({token: 2 * index for index, token in enumerate(VOCAB)}, "ids must be 0 to 19, each once"),
        (VOCAB[:2] + VOCAB[3:], r"lacks '\[CLS\]'"),
    ],
)
def test_a_vocabulary_that_cannot_be_used(vocab, message):
    with pytest.raises(ValueError, match=message):
        ConvBertTokenizer(vocab)


def test_a_vocabulary_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        ConvBertTokenizer(tmp_path / "missing.txt")


def test_a_side_that_does_not_exist():
    with pytest.raises(ValueError, match="padding_side is 'top'; choose 'left' or 'right'"):
        ConvBertTokenizer(VOCAB, padding_side="top")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"text": None}, TypeError, "text must be a string, but is 'None' of type NoneType"),
        ({"text": 5}, TypeError, "text must be a string, but is '5' of type int"),
        ({"text": ["a", 2.5]}, TypeError, r"text\[1\] must be a string, but is '2.5' of type float"),
        (
            {"text": [("a", "b")]},
            TypeError,
            r"text\[0\] must be a string.* of type tuple; pairs go in as text and text_pair",
        ),
        ({"text": ["a", "a"], "text_pair": ["a", None]}, TypeError, r"text_pair\[1\] must be a string"),
        ({"text": "a", "text_pair": ["a"]}, TypeError, "text_pair must be a string.* of type list"),
        ({"text": ["a"], "text_pair": "a"}, TypeError, "text_pair must be a list too, but it is of type str"),
        ({"text": ["a"], "text_pair": ["a", "b"]}, ValueError, "text has 1 texts but text_pair has 2"),
        ({"text": []}, ValueError, "text is an empty list"),
        ({"text": ["a", "b \ud83d c"]}, ValueError, r"text\[1\] has half of a character .* at 2"),
        (
            {"text": "a b", "is_split_into_words": True},
            TypeError,
            "every text is a list of words, but text is of type str",
        ),
        ({"text": [["a"], "b"], "is_split_into_words": True}, TypeError, r"but text\[1\] is of type str"),
        (
            {"text": [["a", 1]], "is_split_into_words": True},
            TypeError,
            r"text\[0\]\[1\] must be a string, but is '1' of type int",
        ),
        ({"padding": "short"}, ValueError, "padding is 'short'; choose True, False or one of longest"),
        ({"truncation": "first"}, ValueError, "truncation is 'first'; choose .*only_second"),
        ({"truncation": "only_second", "max_length": 9}, ValueError, "there is no second text"),
        ({"max_length": 1}, ValueError, "max_length is 1, but the special tokens alone take 2"),
        ({"text_pair": "a", "max_length": 2}, ValueError, "special tokens alone take 3"),
        ({"max_length": -1, "add_special_tokens": False}, ValueError, "max_length is -1"),
        ({"max_length": 6, "stride": 4}, ValueError, "stride is 4; it must be from 0 to 3"),
        ({"max_length": 6, "stride": -1}, ValueError, "stride is -1"),
        (
            {"text_pair": "a", "max_length": 11, "stride": 4},
            ValueError,
            "stride is 4; it must be from 0 to 3",
        ),
        ({"return_tensors": "tf"}, ValueError, "return_tensors is 'tf'; choose 'pt'"),
        (
            {"text": ["a", "a a"], "return_tensors": "pt"},
            ValueError,
            "they have 3 to 4 tokens; add padding=True",
        ),
        ({"padding": True, "pad_to_multiple_of": 0}, ValueError, "pad_to_multiple_of is 0"),
        (
            {"padding": True, "truncation": True, "max_length": 9, "pad_to_multiple_of": 8},
            ValueError,
            "max_length is 9, not a multiple of pad_to_multiple_of=8",
        ),
    ],
)
def test_a_call_that_cannot_work(tokenizer, arguments, error, message):
    with pytest.raises(error, match=message):
        tokenizer(**({"text": TEXT} | arguments))


def test_cutting_one_text_of_a_pair_is_refused_where_the_other_fills_the_row(tokenizer):
    question, context = "the film was good", "a a a a a a a a"
    with pytest.raises(
        ValueError, match=r"pair 1 cannot be cut .* text alone has 4 tokens and leaves room for 2 "
    ):
        tokenizer(
            ["a", question], [context, context], truncation="only_second", max_length=9, stride=2,
            return_overflowing_tokens=True,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"pair 0 .* text_pair alone has 8 tokens and leaves room for 0 "):
        tokenizer(question, context, truncation="only_first", max_length=10)
    fits = tokenizer(question, "a a", truncation="only_second", max_length=9, stride=2)
    assert len(fits["input_ids"]) == 9  # nothing to cut, so no room is needed


def test_padding_needs_a_padding_token():
    tokenizer = ConvBertTokenizer(VOCAB[1:], pad_token=None)
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == (None, None)
    assert tokenizer("good")["input_ids"] == [1, 10, 2]
    with pytest.raises(ValueError, match="no pad_token"):
        tokenizer(["good", "a a"], padding=True)


def test_lengths_that_change_nothing_are_pointed_out(tokenizer):
    with pytest.warns(UserWarning, match="max_length=5 changes nothing"):
        assert len(tokenizer(TEXT, padding=True, max_length=5)["input_ids"]) == 10
    with pytest.warns(UserWarning, match="no length is known"):
        assert tokenizer(TEXT, truncation=True, padding="max_length")["input_ids"] == TEXT_IDS


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([5, 20], ValueError, "token id 20 at position 1 is outside the vocabulary, 0 to 19"),
        ([-100], ValueError, "token id -100 at position 0"),
        (99, ValueError, "token id 99"),
        ([1.5], TypeError, "must be whole numbers, not float"),
        ("film", TypeError, "must be whole numbers, not str"),
    ],
)
def test_ids_that_are_none(tokenizer, ids, error, message):
    with pytest.raises(error, match=message):
        tokenizer.decode(ids)
    with pytest.raises(error, match=message):
        tokenizer.convert_ids_to_tokens(ids)


def test_a_second_list_with_finished_ids_is_refused(tokenizer):
    with pytest.raises(ValueError, match="token_ids_1 is given"):
        tokenizer.get_special_tokens_mask([2, 3], [3], already_has_special_tokens=True)


def test_folders_that_hold_no_tokenizer_of_ours(tokenizer, tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such-model"):
        ConvBertTokenizer.from_pretrained("no-such-model")
    with pytest.raises(FileNotFoundError, match=r"needs a vocab.txt or a tokenizer.json"):
        ConvBertTokenizer.from_pretrained(tmp_path)
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match="byte-pair tokenizer"):
        ConvBertTokenizer.from_pretrained(tmp_path)


def test_an_infinite_length_is_no_limit(tokenizer, tmp_path):
    tokenizer.save_vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 1e400, "strip_accents": null}')
    assert ConvBertTokenizer.from_pretrained(tmp_path).model_max_length is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer_config.json", "{", "tokenizer_config.json is not valid JSON"),
        ("tokenizer_config.json", "[]", "tokenizer_config.json holds a JSON list"),
        ("tokenizer_config.json", '{"pad_token": 0}', "a token is written as 0"),
        (
            "tokenizer_config.json",
            '{"pad_token": {"content": "[PAD]", "lstrip": "no"}}',
            "a token is written as .*; its lstrip, special should be true or false",
        ),
        (
            "tokenizer_config.json",
            '{"do_lower_case": "no"}',
            "has the do_lower_case 'no'; it must be true or",
        ),
        ("tokenizer_config.json", '{"tokenize_chinese_chars": null}', "has the tokenize_chinese_chars None"),
        ("tokenizer_config.json", '{"model_max_length": -1}', "has the model_max_length -1; .* at least 1"),
        ("tokenizer_config.json", '{"model_max_length": true}', "has the model_max_length True"),
        ("tokenizer.json", '{"model": {"type": "BPE", "vocab": {}}}', "another kind of tokenizer.*'BPE'"),
        (
            "tokenizer.json",
            '{"model": {"type": "WordPiece", "vocab": {}}}',
            "another kind of tokenizer.*None",
        ),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"50": {"content": "<new>"}}}',
            "'<new>' should have the id 50 but gets 20",
        ),
    ],
)
def test_damaged_and_foreign_files(tokenizer, tmp_path, name, content, message):
    tokenizer.save_vocabulary(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        ConvBertTokenizer.from_pretrained(tmp_path)
