"""Real text to train and test on, fetched once and kept."""

from convbert_edu.data.baselines import majority_baseline, tfidf_baseline, tfidf_predictions
from convbert_edu.data.cache import cache_folder
from convbert_edu.data.capitals import CAPITALS, load_capitals
from convbert_edu.data.examples import (
    Answer,
    ChoiceExample,
    QuestionExample,
    Splits,
    TextExample,
    TokenExample,
)
from convbert_edu.data.factbook import Country, Passage, load_passages
from convbert_edu.data.factbook_questions import load_questions
from convbert_edu.data.pretraining.texts import pretraining_texts
from convbert_edu.data.recipes import INGREDIENTS, load_recipes
from convbert_edu.data.reviews import SENTIMENTS, load_reviews
from convbert_edu.data.sources import SOURCES, fetch
from convbert_edu.data.tweets import load_tweets
from convbert_edu.data.wikipedia import TOPICS, Article, load_articles, load_topics
from convbert_edu.data.wikipedia_choices import load_choices

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
    "pretraining_texts",
    "tfidf_baseline",
    "tfidf_predictions",
]
