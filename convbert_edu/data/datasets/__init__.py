"""Real text from data packages, fetched once and kept."""
