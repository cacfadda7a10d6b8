"""Baselines of question answering, by hand."""

from convbert_edu.data.baselines import overlap_answer, rule_answer

CONTEXT = (
    "Executive branch - chief of state: President Ann DOE (since 5 May 2020); head of government: Prime Minister "
    "Bob ROE (since 1 June 2021).\n"
    "Land boundaries - total: 300 km; border countries: Aland 100 km; Beland 200 km.\n"
    "Exports - partners - Beland 45%, Aland 18% (2023).\n"
    "Climate - mild winters, hot summers; dry."
)


def test_rules_by_hand():
    expected = {
        "Who is the head of state of Celand?": "President Ann DOE",
        "Since when has Prime Minister Bob ROE been in office?": "1 June 2021",
        "How much land does Celand share with Beland?": "200 km",
        "Which country is the main partner in exports?": "Beland",
        "Which climate does Celand have?": "mild winters, hot summers",
    }
    assert {question: rule_answer(question, CONTEXT) for question in expected} == expected


def test_the_clause_with_most_words_of_the_question():
    assert overlap_answer("Which countries border Aland?", CONTEXT) == "border countries: Aland 100 km"
