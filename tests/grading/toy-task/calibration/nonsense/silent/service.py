"""Does nothing at all."""

raise SystemExit("there is nothing here")
