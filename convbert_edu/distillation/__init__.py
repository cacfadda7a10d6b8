"""Distillation: a student learns from a teacher's hidden states (lesson 16).

Read objective first, then settings, setup and run.
"""
