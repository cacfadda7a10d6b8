"""The encoder, its heads, and what they return. Read encoder.py first, then heads.py."""
