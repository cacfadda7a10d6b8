"""Questions that the tests ask about the text of a lesson: its letters, its terms, its words, what it refers to."""

import ast
import re
from collections.abc import Collection, Iterable, Mapping

from nbformat import NotebookNode

from lesson_reading import markdown
from page_reading import anchor, links, without_code

# Commands of LaTeX that stand for no quantity: operations, relations, arrows, spaces, functions, decoration.
STANDARD_COMMANDS = frozenset(
    r"""
    \approx \begin \big \Big \bigl \bigr \Bigl \Bigr \bigg \Bigg \binom \cdot \cdots \cos \det \dfrac \displaystyle
    \dots \ell \end \exp \forall \frac \ge \geq \gg \hspace \in \infty \int \langle \lceil \ldots \left \leftarrow \le
    \leq \lfloor \lim \limits \ll \ln \log \lVert \lvert \mapsto \max \mid \min \mp \ne \neq \not \notin \odot
    \operatorname \overbrace \partial \phantom \pm \prod \propto \qquad \quad \rangle \rceil \rfloor \Rightarrow
    \right \rightarrow \rVert \rvert \sim \sin \sqrt \square \stackrel \star \subset \substack \sum \tanh \tfrac \times
    \to \top \underbrace \underset \overset \Vert \vert \vdots \xrightarrow
    """.split()
)
# These take words, or the name of a function, in braces.
OF_WORDS = r"\\(?:text|textbf|textit|texttt|mathrm|mathit(?=\{[\w ]{2})|operatorname\*?|mbox|begin|end)\s*\{([^{}]*)\}"
# These change how a letter looks.
DECORATION = r"\\(?:mathbf|mathbb|mathit|boldsymbol|hat|bar|tilde|vec|overline|underline|color)\b"
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$(?!\s)((?:[^$\\]|\\.)+?)(?<!\s)\$(?!\d)", re.DOTALL)
# Letters that may stand side by side in a subscript: "P_{tj}" is an entry of P, "E_{pos}" is a name.
INDICES = frozenset("tijc")
LETTER = re.compile(r"\\mathcal\{[A-Z]\}|\\[a-zA-Z]+|[a-zA-Z]")
# What follows a letter where a sentence says what it means: "here $p$ is the share of ..., and $m$ the number of ...".
SAYS_WHAT_IT_IS = re.compile(r"(?:is|are|be|means?|stands? for|denotes?|counts?|says?|the|an?|for|how|its)\b")

GLOSSARY_LINK = re.compile(r"\[[^\]]*\]\(GLOSSARY\.md#[^)]*\)")
SHORTEST_QUOTATION = 30  # signs; what is shorter are single words

# Sentences that two readers stumbled over.
STUMBLING = (
    "Who reads or writes a checkpoint needs a dictionary",
    "By far more than an even weight is worth",
    "could not be spread out more if it tried; the left-hand one is free",
    "shows the greed at its best",
    "Dice again, or something between?",
    "No error, no warning, and another model",
    "GELU bends the numbers",
    "each word's say",
    "the model moves into the kitchen",
    "we begin to hear a yes at 0.5, and so we hear almost always no",
    "we take every so many-th text, and of each text the beginning",
    "such shares are sure to about 0.05",
    "Who wrote '43' has lost",
    "O is the cheapest way to a small loss",
    "takes half as many steps more",
)
# Words that the field does not use, and what it says.
FIELD_TERMS = {
    "simple method": "baseline",
    "hidden word": "masked token",
    "hidden place": "masked position",
    "hidden token": "masked token",
    "by heart": "memorised, memorisation",
    "too sure": "overconfident; calibration",
    "hard choice": "hard negative",
    "verdict": "prediction",
    "word count": "TF-IDF, or counts of words",
    "word table": "embedding matrix",
    "token number": "token id",
    "first weights": "initialisation",
    "guessed right": "correctly predicted",
    "opponent": "baseline",
    "test part": "test split",
    "training part": "train split",
    "validation part": "validation split",
}
# A picture may introduce a term once; from then on the term stands there.
PICTURES = ("forger", "detective")


# Letters.


def formulas(text: str) -> list[str]:
    """The formulas of a text, code left out."""
    prose = re.sub(r"`[^`]*`", " ", without_code(text))
    return [block or inline for block, inline in FORMULA.findall(prose)]


def symbols(formula: str, known: Collection[str] = ()) -> list[str]:
    r"""The letters of a formula, each with its subscript where this is a name: ["W_Q", "X", "E_{pos}", "\mathcal{L}"].

    Any other subscript is an index, whose letters are listed, too.
    known: symbols that are taken as a whole, such as "d_h"
    """
    text = re.sub(r"\\\\|\\[^a-zA-Z]|\\(?:big|Big|bigg|Bigg)[lr]?\b|\\(?:left|right)\b", " ", formula)
    # Words below a letter are its name; all other words, such as those below a brace, are no symbols.
    name = rf"(?<=[a-zA-Z])_\s*(?:\{{\s*{OF_WORDS}\s*\}}|{OF_WORDS})"
    text = re.sub(name, lambda match: f"_{{{match[1] or match[2]}}}", text)
    while (without_words := re.sub(OF_WORDS, " ", text)) != text:
        text = without_words
    text = re.sub(DECORATION, " ", text)
    found = []
    while match := LETTER.search(text):
        symbol, text = match[0], text[match.end() :]
        if symbol in STANDARD_COMMANDS:
            continue
        subscript, after = _subscript(text)
        if not subscript:
            found.append(symbol)
            continue
        text = after
        name, *indices = [part.strip() for part in subscript.split(",")]
        whole = _with_subscript(symbol, name)
        if whole in known or (re.fullmatch(r"[a-zA-Z]{2,}", name) and not set(name) <= INDICES):
            found.append(whole)
        else:
            found.append(symbol)
            indices.insert(0, name)
        for index in indices:
            found += symbols(index, known)
    return found


def _subscript(text: str) -> tuple[str, str]:
    """The subscript at the beginning of a text, without braces, and the rest; "" where there is none."""
    match = re.match(r"'*\s*_\s*", text)
    if not match:
        return "", text
    rest = text[match.end() :]
    if not rest.startswith("{"):
        single = re.match(r"\\[a-zA-Z]+|.", rest, flags=re.DOTALL)
        return (single[0], rest[single.end() :]) if single else ("", rest)
    depth = 0
    for place, sign in enumerate(rest):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return rest[1:place].strip(), rest[place + 1 :]
    return rest[1:], ""


def _with_subscript(symbol: str, name: str) -> str:
    return f"{symbol}_{name}" if len(name) == 1 else f"{symbol}_{{{name}}}"


def table_of_letters(formulas_of_the_table: Iterable[str]) -> set[str]:
    """The symbols of a table of notation, in the spelling of `symbols`."""
    return {re.sub(r"_\{(\w)\}$", r"_\1", formula.strip()) for formula in formulas_of_the_table}


def unknown_symbols(lesson: NotebookNode, known: set[str], local: Collection[str] = ()) -> list[str]:
    """The symbols in a lesson's formulas that are not in the table and that no sentence of the lesson explains."""
    text = markdown(lesson)
    allowed = known | set(local) | declared_symbols(text, known)
    return sorted({symbol for formula in formulas(text) for symbol in symbols(formula, allowed)} - allowed)


def declared_symbols(text: str, known: set[str]) -> set[str]:
    """The symbols of which a sentence says what they are: "here $p$ is ...", "$m$ the number of ...", "let $x$ be"."""
    prose = re.sub(r"`[^`]*`", " ", without_code(text))
    found = set()
    for match in FORMULA.finditer(prose):
        formula = (match[1] or match[2]).strip()
        # "$p_j$ is the share ..." declares p, with j as its index; "$x_{left}$" declares the whole.
        named = symbols(formula, known)
        is_one = re.fullmatch(r"(?:\\mathcal\{\w\}|\\?[a-zA-Z]+)(?:_(?:\w|\{[^{}]*\}))?", formula)
        if named and is_one and SAYS_WHAT_IT_IS.match(prose[match.end() :].lstrip(" \n,*_")):
            found.add(named[0])
    return found


# Terms.


def prose_of(lesson: NotebookNode) -> str:
    """A lesson's sentences with their links to the glossary: no code, formulas, headings, quotations, other links.

    Of tables the links to the glossary are left: what else stands there may be the text of other lessons.
    """
    text = re.sub(r"<!--.*?-->", " ", without_code(markdown(lesson)), flags=re.DOTALL)
    text = re.sub(r"^#+ .*$", " ", text, flags=re.MULTILINE)
    text = re.sub(r"^\|.*$", lambda row: " ".join(GLOSSARY_LINK.findall(row[0])), text, flags=re.MULTILINE)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\((?!GLOSSARY\.md#)[^()]*(?:\([^()]*\)[^()]*)*\)", " ", text)
    text = FORMULA.sub(" ", re.sub(r"`[^`]*`", " ", text))
    # What the paper says stands as it does there. A notebook's kernel is another thing.
    paragraphs = (re.sub(r'"([^"]*)"|“([^”]*)”', _short_quotation, part) for part in text.split("\n\n"))
    text = re.sub(r"\b(restart\w*) the kernel", r"\1", "\n\n".join(paragraphs), flags=re.IGNORECASE)
    return " ".join(text.split())


def _short_quotation(match: re.Match) -> str:
    return match[0] if len(match[0]) < SHORTEST_QUOTATION else " "


def dead_glossary_links(lesson: NotebookNode, known_anchors: Collection[str]) -> list[str]:
    """The links into the glossary that lead to no entry."""
    targets = [target for _, target in links(markdown(lesson)) if target.startswith("GLOSSARY.md#")]
    return [target for target in targets if target.partition("#")[2] not in known_anchors]


def unlinked_terms(lesson: NotebookNode, terms: Iterable[str], also_english: Collection[str] = ()) -> list[str]:
    """The terms that a lesson uses and does not link to the glossary where they stand first.

    A term inside a longer one does not count, nor does one inside the link of another.
    also_english: terms that need no link, because their word may mean something else
    """
    names = {form: term for term in terms for form in _forms(term)}
    longest_first = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])({longest_first})(?![\w-])", re.IGNORECASE)
    prose = prose_of(lesson)
    linked = [
        (match.start(1), match.end(1), match[2])
        for match in re.finditer(r"\[([^\]]*)\]\(GLOSSARY\.md#([^)]*)\)", prose)
    ]
    # The targets of links are no words.
    words = re.sub(r"\]\(GLOSSARY\.md#[^)]*\)", lambda match: " " * len(match[0]), prose)
    seen, missing = set(), []
    for match in pattern.finditer(words):
        term = names[match[1].lower()]
        start, end, target = next((link for link in linked if link[0] <= match.start() < link[1]), (0, 0, None))
        # A word inside the link of another term is part of that term's name.
        inside_another = target not in (None, anchor(term)) and (start, end) != match.span()
        if term in seen or inside_another:
            continue
        seen.add(term)
        if target != anchor(term) and term not in also_english:
            missing.append(f"{term}: ... {words[max(0, match.start() - 40) : match.end() + 30]} ...")
    return missing


def _forms(term: str) -> list[str]:
    """A term in small letters, in singular and plural."""
    word = term.lower()
    ending = f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("x") else f"{word}s"
    return [word, word[:-1]] if word.endswith("negatives") else [word, ending]


# Words.


def wrong_words(lesson: NotebookNode) -> list[str]:
    """The sentences and words that no lesson should have."""
    text = " ".join(re.sub(r"`[^`]*`|[*_“”\"]", "", without_code(markdown(lesson))).split()).lower()
    found = [sentence for sentence in STUMBLING if re.sub(r"[*_\"]", "", sentence).lower() in text]
    found += [
        f"{wrong} (say: {right})"
        for wrong, right in FIELD_TERMS.items()
        if re.search(rf"\b{wrong.replace(' ', '[ -]')}s?\b", text)
    ]
    return found + [
        f"{picture}, more than once" for picture in PICTURES if len(re.findall(rf"\b{picture}", text)) > 1
    ]


# References.


def sections(lesson: NotebookNode) -> set[str]:
    """The numbers of a lesson's sections: {"1", "2"}, and of a heading "3.4" both "3.4" and "4"."""
    numbers = re.findall(r"^## (\d+(?:\.\d+)?)\b", without_code(markdown(lesson)), flags=re.MULTILINE)
    return {*numbers, *(number.rpartition(".")[2] for number in numbers)}


NUMBERS = r"\d+(?:\.\d+)?(?:(?:, | and | to | or )\d+(?:\.\d+)?)*"
LINKED = r"(?:\]\([^)]*\))?"
OF_A_LESSON = (
    # lesson 07, section 3; [lesson 07](07_....ipynb), sections 3 and 4
    re.compile(rf"\b[Ll]esson (?P<lesson>\d\d?){LINKED},? (?:in )?\[?sections? (?P<sections>{NUMBERS})"),
    # section 3 of lesson 07
    re.compile(rf"\b[Ss]ections? (?P<sections>{NUMBERS}){LINKED} of \[?lesson (?P<lesson>\d\d?)"),
)
LESSON_ALONE = re.compile(r"\b[Ll]essons? (?P<lessons>\d\d?(?:(?:, | and | to | or )\d\d?)*)\b")
SECTION_ALONE = re.compile(rf"\b[Ss]ections? (?P<sections>{NUMBERS})\b(?! of (?:the|that|their|its))")


def dead_references(lesson: NotebookNode, own: str, known: Mapping[str, set[str]]) -> list[str]:
    """The references of a lesson to lessons and sections that do not exist.

    own: the number of the lesson; known: the sections of each lesson, by its number
    """
    text, dead = " ".join(without_code(markdown(lesson)).split()), []

    def check(words: str, number: str, named: str) -> None:
        if number not in known or not set(re.findall(r"\d+(?:\.\d+)?", named)) <= known[number]:
            dead.append(words)

    for pattern in OF_A_LESSON:
        for match in pattern.finditer(text):
            check(match[0], match["lesson"].zfill(2), match["sections"])
        text = pattern.sub(" ", text)
    for match in LESSON_ALONE.finditer(text):
        for number in re.findall(r"\d+", match["lessons"]):
            check(match[0], number.zfill(2), "")
    for match in SECTION_ALONE.finditer(text):
        check(match[0], own, match["sections"])
    return dead


def links_to_lessons_without_target(lesson: NotebookNode, headings: Mapping[str, set[str]]) -> list[str]:
    """The links to lessons, and to places in them, that do not exist; headings: those of each lesson, by its file."""
    dead = []
    for _, target in links(markdown(lesson)):
        file, _, place = target.partition("#")
        # Notebooks in another folder are no lessons: those of the exercises have a test of their own.
        if "/" in target or not file.endswith(".ipynb"):
            continue
        # GitHub and JupyterLab make other anchors of a heading.
        anchors = {made for heading in headings.get(file, ()) for made in (anchor(heading), heading.replace(" ", "-"))}
        if file not in headings or (place and place not in anchors):
            dead.append(target)
    return dead


def headings_of(lesson: NotebookNode) -> set[str]:
    """The headings of a lesson."""
    return set(re.findall(r"^#+ (.*)$", without_code(markdown(lesson)), flags=re.MULTILINE))


def missing_neighbours(lesson: NotebookNode, previous: str | None, following: str | None) -> list[str]:
    """What a lesson lacks of: a link to the previous lesson before its first section, one to the next at its end."""
    texts = [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]
    opening = re.split(r"^## ", "\n\n".join(texts), maxsplit=1, flags=re.MULTILINE)[0]
    lacking = []
    if previous and f"{previous}.ipynb" not in {target.partition("#")[0] for _, target in links(opening)}:
        lacking.append(f"{previous} before the first section")
    if following and f"{following}.ipynb" not in {target.partition("#")[0] for _, target in links(texts[-1])}:
        lacking.append(f"{following} in the last cell with text")
    return lacking


# Cells that build the model.


def built_names(lesson: NotebookNode) -> list[str]:
    """The classes and functions that the cells tagged "build" define, in order."""
    cells = [cell for cell in lesson.cells if "build" in cell.metadata.get("tags", [])]
    nodes = [node for cell in cells for node in ast.parse(cell.source).body]
    return [node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)]


def names_by_lesson(nano: str) -> dict[str, list[str]]:
    """The classes and functions of nano.py, by the number of the lesson that writes them."""
    found: dict[str, list[str]] = {}
    number = ""
    for line in nano.splitlines():
        if match := re.match(r"# Written in lesson (\d\d)", line):
            number = match[1]
        elif match := re.match(r"(?:class|def) (\w+)", line):
            found.setdefault(number, []).append(match[1])
    return found
