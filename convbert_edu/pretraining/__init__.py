"""Learning a language without labels: masked tokens and replaced tokens (lesson 08)."""
