"""One command a file; the only code that prints."""
