"""`python -m rooftree_local`."""

from rooftree_local.cli import app

app()
