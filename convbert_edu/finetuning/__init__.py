"""Fine-tuning for five kinds of tasks (lessons 09 to 13)."""
