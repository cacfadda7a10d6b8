"""Real text to train and test on, fetched once and kept; examples, batches, baselines and readers of files."""

from convbert_edu.data.baselines import majority_baseline, tfidf_baseline, tfidf_predictions
from convbert_edu.data.datasets.download import cache_folder
from convbert_edu.data.datasets.factbook import Country, Passage, load_passages
from convbert_edu.data.datasets.factbook_questions import load_questions
from convbert_edu.data.datasets.recipes import INGREDIENTS, load_recipes
from convbert_edu.data.datasets.reviews import SENTIMENTS, load_reviews
from convbert_edu.data.datasets.sources import SOURCES, fetch
from convbert_edu.data.datasets.tweets import load_tweets
from convbert_edu.data.datasets.wikipedia import (
    CAPITALS,
    TOPICS,
    Article,
    load_articles,
    load_capitals,
    load_choices,
    load_topics,
)
from convbert_edu.data.examples import (
    Answer,
    ChoiceExample,
    QuestionExample,
    Splits,
    TextExample,
    TokenExample,
)

__all__ = [
    "CAPITALS",
    "INGREDIENTS",
    "SENTIMENTS",
    "SOURCES",
    "TOPICS",
    "Answer",
    "Article",
    "ChoiceExample",
    "Country",
    "Passage",
    "QuestionExample",
    "Splits",
    "TextExample",
    "TokenExample",
    "cache_folder",
    "fetch",
    "load_articles",
    "load_capitals",
    "load_choices",
    "load_passages",
    "load_questions",
    "load_recipes",
    "load_reviews",
    "load_topics",
    "load_tweets",
    "majority_baseline",
    "tfidf_baseline",
    "tfidf_predictions",
]
