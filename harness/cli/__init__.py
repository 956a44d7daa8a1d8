"""The door at the terminal: parse, call, present; it decides nothing.

Modules import their room inside each command, so that `harness --help` answers
about as quickly as Python can import typer.
"""
