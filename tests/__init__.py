"""Tests, in folders named by what each needs; `servers` is shared with the demo."""
