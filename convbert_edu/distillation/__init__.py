"""Distillation: a student learns from a teacher's hidden states. Read objective first, then settings, setup and run."""
