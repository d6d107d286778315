"""``python -m bayesq`` is the command line."""

from bayesq.cli.app import main

main()
