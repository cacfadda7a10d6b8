"""Commands of `convbert-edu` that need more than a few lines."""
