"""The encoder, its heads, and what they return."""
