"""``python -m playlistrec`` is the command ``playlistrec``."""

from .cli.main import main

main()
