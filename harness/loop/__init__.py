"""The story of a session: the one room that knows every room below.

desk.py         what every command needs: settings, store, backend, reconciled
opening.py      template -> workspace
clock.py        start, pause, resume, extend: the time box
working.py      enter and exec, recorded
assistant.py    the gateway's container, the workspace's way to it, its record
exchanges.py    what was said to it, read from the record
attributing.py  where lines came from;  assisting.py: what a scorecard tells of the assistant
keeper.py       the process that records a session's tree while it is open
submitting.py   seal, reopen, end
judging.py      grade, regrade, rate
blindness.py    who the candidate is, and the pseudonym
deciding.py     what named people decide
candidates.py   a candidate by loop or session
comparing.py    candidates side by side, and a loop
scorecards.py   events + results + ratings -> Scorecard
reports.py      what a committee reads, blind or with names; what the candidate reads
recovery.py     what a crash left behind
demo.py         a scripted candidate
"""
