"""Snapshots and terminals -> events. Everything here reads a hostile workspace from outside.

paths       candidate-controlled file names <-> printable text
plumbing    git as a tool: our configuration, bounds and errors, never a work tree
scan        the work tree read through directory handles, without following anything
shadow      scan + plumbing = tree snapshots in a repository outside the workspace
hunks       patches -> hunks (unidiff)
sequences   terminal bytes -> plain text
osc133      command boundaries in terminal bytes
testruns    test runs in a command's output
commands    osc133 + testruns = the commands of a terminal
asciicast   the terminal's recording, asciicast v2
terminal    one recorded terminal: cast, commands, events; recovery after a crash
recorder    the loop that takes snapshots of one session
"""
