"""Figures as ratios against a peer or a physical floor in the same run.

    python -m bench [NAME ...] [--json FILE]

    sandbox.py     start, exec, read, remove against the bare Docker SDK; 20 side by side
    recording.py   a snapshot against git's plumbing; the recorder's memory and share of a core
    storing.py     a durable event against raw sqlite3
    starting.py    `harness --help` against importing typer and rich

Ours and theirs take turns, so that a machine that slows down slows both. Medians
are compared; ranges say how noisy the machine was.
"""
