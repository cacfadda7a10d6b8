"""The table of questions about a country: where the answer stands in the Factbook, and how it is asked for."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class QuestionType:
    """One row of the table.

    kind: "prose" where the answer is the statement or its main part, "list" where it is one of several items
    field, part: the passages of the Factbook in which the answer stands
    pattern: finds it there, as the group `answer`; a group `of` is what the question names beside the country
    wordings: {country} and {of} are filled in; one of them is drawn for each country
    """

    kind: str
    field: str
    part: str
    pattern: re.Pattern[str]
    wordings: tuple[str, ...]


def _row(kind: str, place: str, pattern: str, *wordings: str) -> QuestionType:
    field, _, part = place.partition(" / ")
    return QuestionType(kind, field, part, re.compile(pattern), wordings)


_CLAUSE = r"^(?P<answer>[^;(\"]{11,149}[^;(\"\s])(?= ?[;(]|$)"  # the first clause, not too long
_SENTENCE = r"^(?P<answer>[^;(\"]{11,149}[^;(\"\s])(?=;|$)"  # the same, of words that make no sense if cut
_NAME = r"^(?P<answer>[^;(]+?) \(since"  # of somebody in office, with the title
_SINCE = r"^(?P<of>[^;(]+?) \(since (?P<answer>[^);]+)"
_ITEMS = r"^(?P<answer>[^;()]+?)(?: \(\d{4}(?: est\.)?\))?$"  # a list without the year of the estimate
_UPTO_COMMA = r"^(?P<answer>[^;,(]*[^;,(\s])(?= ?[;,(]|$)"
_UPTO_BRACKET = r"^(?P<answer>[^;(]*[^;(\s])(?= ?[;(]|$)"
_FIRST_SHARE = r"^(?P<answer>[A-Z][^\d,;(<~]*?) (?:\([^)]*\) )?(?:~|<)?\d[\d.]*%"
_SHARE_OF = r"(?P<of>[A-Z][^\d,;(<~%]*?) (?P<answer>\d[\d.]*%)"

QUESTION_TYPES = (
    _row("prose", "Location", r"^(?P<answer>[^,;]+),", "In which part of the world does {country} lie?",
         "Where on the globe is {country}?"),
    _row("prose", "Location", r"(?P<answer>between [^;,]+?)(?=[;,]|$)", "Between what does {country} lie?",
         "What lies on either side of {country}?"),
    _row("prose", "Location", r"bordering (?P<answer>the [^;]+?)(?=, between|, (?:north|south|east|west)|;|$)",
         "On which waters does {country} lie?", "Which sea or ocean washes {country}?"),
    _row("prose", "Area - comparative", r"^(?P<answer>[^;]+)", "How large is {country}, set beside a known place?",
         "With what can the size of {country} be compared?"),
    _row("prose", "Climate", _CLAUSE, "What is the weather like in {country}?", "Which climate does {country} have?"),
    _row("prose", "Terrain", _CLAUSE, "What does the land of {country} look like?",
         "How can the landscape of {country} be described?"),
    _row("prose", "Elevation / highest point", r"^(?P<answer>[A-Z][^\d;(]+?) [\d,]+ m", "What is the highest point of "
         "{country}?", "On which summit does one stand highest in {country}?"),
    _row("prose", "Elevation / highest point", r"^(?P<of>[A-Z][^\d;(]+?) (?P<answer>[\d,]+ m)", "How high is {of}?",
         "To what elevation does {of} in {country} rise?"),
    _row("prose", "Natural hazards", _CLAUSE, "Which dangers of nature threaten {country}?",
         "What natural disasters does {country} face?"),
    _row("prose", "Population distribution", _SENTENCE, "Where do most people live in "
         "{country}?", "How is the population spread over {country}?"),
    _row("prose", "Nationality / noun", _UPTO_COMMA, "What is a citizen of {country} "
         "called?", "What do people from {country} call themselves?"),
    _row("prose", "Country name / etymology", _SENTENCE, "Where does the name "
         "{country} come from?", "What explains the name of {country}?"),
    _row("prose", "Government type", _UPTO_BRACKET, "How is {country} governed?",
         "What kind of state is {country}?"),
    _row("prose", "Capital / name", _UPTO_COMMA, "What is the capital of {country}?",
         "Which city is the seat of government of {country}?"),
    _row("prose", "Capital / etymology", _SENTENCE, "How did the capital of {country} "
         "get its name?", "What does the name of the capital of {country} go back to?"),
    _row("prose", "Independence", r"^(?P<answer>\d{1,2} [A-Z][a-z]+ \d{4})", "When did {country} become independent?",
         "On which day did {country} gain its freedom?"),
    _row("prose", "Independence", r"^[^;(]*\(from (?P<answer>[^);]+)", "From whom did {country} become independent?",
         "Which power ruled {country} before?"),
    _row("prose", "National holiday", _UPTO_COMMA, "What do people in {country} celebrate as their "
         "national day?", "Which is the national holiday of {country}?"),
    _row("prose", "National holiday", r", (?P<answer>\d{1,2} [A-Z][a-z]+)", "On which day is the national holiday of "
         "{country}?", "When does {country} celebrate?"),
    _row("prose", "Constitution / history", r"(?P<answer>\d{1,2} [A-Z][a-z]+ \d{4})", "When did {country} adopt or "
         "approve its constitution?", "Of which day is the constitution of {country}?"),
    _row("prose", "Legal system", _CLAUSE, "On what is the law of {country} based?",
         "What kind of law do the courts of {country} apply?"),
    _row("prose", "Executive branch / chief of state", _NAME, "Who is the head of state of {country}?",
         "Who stands at the top of {country}?"),
    _row("prose", "Executive branch / chief of state", _SINCE, "Since when has {of} been in office?",
         "When did {of} become head of state?"),
    _row("prose", "Executive branch / head of government", _NAME, "Who leads the government of {country}?",
         "Who governs {country}?"),
    _row("prose", "Executive branch / most recent election date", r"^(?P<answer>.+)$", "When did {country} last vote "
         "for its leader?", "When was the latest election of the head of {country}?"),
    _row("prose", "Legislative branch / legislature name", _UPTO_BRACKET, "What is the "
         "parliament of {country} called?", "Who makes the laws of {country}?"),
    _row("prose", "National anthem(s) / title", r'^"(?P<answer>[^"]+)"', "Which song is the anthem of {country}?",
         "What do people in {country} sing as their anthem?"),
    _row("prose", "Economic overview", _CLAUSE, "What sort of economy does {country} have?",
         "How is the economy of {country} doing?"),
    _row("prose", "Exchange rates / Currency", r"^(?P<answer>[^(]+?) \(", "With which money do people pay in "
         "{country}?", "What is the currency of {country}?"),
    _row("list", "Land boundaries / border countries", r"(?P<of>[A-Z][^;:\d(]*?) (?P<answer>[\d,.]+ km)", "How long is "
         "the border of {country} with {of}?", "How many kilometers do {country} and {of} share?"),
    _row("list", "Natural resources", _ITEMS, "What can be found in the ground and waters of {country}?",
         "Which natural riches does {country} have?"),
    _row("list", "Ethnic groups", _FIRST_SHARE, "To which people do most inhabitants of {country} belong?",
         "Which is the largest ethnic group of {country}?"),
    _row("list", "Ethnic groups", _SHARE_OF, "What share of the people of {country} is {of}?",
         "How many of the people of {country} are {of}?"),
    _row("list", "Religions", _FIRST_SHARE, "Which faith do most people in {country} hold?",
         "What is the main religion of {country}?"),
    _row("list", "Languages / Languages", r"^(?P<answer>[A-Z][^\d,;(<~]*?) \(official", "Which language is official in "
         "{country}?", "What do the authorities of {country} speak and write?"),
    _row("list", "Major urban areas - population", r"(?P<answer>[\d.,]+(?: million)?) (?P<of>[A-Z][^,;(\d]*?)"
         r"(?= \(|,|;|$)", "How many people live in {of}?", "How large is the city of {of} in {country}?"),
    _row("list", "Administrative divisions", r"^(?P<answer>\d+ [a-z][^;,(*]+?)(?= ?[;,(*]|$)", "Into what is "
         "{country} divided?", "Which parts make up {country}?"),
    _row("list", "National color(s)", _ITEMS, "Which colors stand for {country}?",
         "What are the national colors of {country}?"),
    _row("list", "Agricultural products", _ITEMS, "What do farmers in {country} produce?",
         "What grows or is raised in {country}?"),
    _row("list", "Industries", _ITEMS, "What do the factories of {country} make?",
         "In which trades do firms of {country} work?"),
    _row("list", "Exports - partners", _FIRST_SHARE, "Who buys most of what {country} sells abroad?",
         "Which country is the best customer of {country}?"),
    _row("list", "Imports - partners", _FIRST_SHARE, "From where does {country} buy most?",
         "Which country sells most to {country}?"),
    _row("list", "Exports - commodities", _ITEMS, "Which goods does {country} sell abroad?",
         "What does {country} export?"),
    _row("list", "Imports - commodities", _ITEMS, "Which goods must {country} buy abroad?",
         "What does {country} import?"),
    _row("list", "Ports / key ports", _ITEMS, "Where do ships land in {country}?",
         "Which are the harbors of {country}?"),
)  # fmt: skip
