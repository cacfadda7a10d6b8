"""`python -m convbert_edu` is the command `convbert-edu`; torchrun starts it by this name."""

from convbert_edu.cli.main import main

main()
