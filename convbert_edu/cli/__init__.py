"""The command line: convbert-edu."""
