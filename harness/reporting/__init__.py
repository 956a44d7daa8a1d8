"""A finished scorecard -> one HTML page, Markdown, JSON or PDF; templates lie in `reports/`.

Candidates side by side (a packet) and a proof of hidden checks have pages, too.
"""

from harness.reporting.blinding import Blinder, blind, named_in
from harness.reporting.data import json
from harness.reporting.fairness_page import write_fairness
from harness.reporting.feedback import feedback, write_feedback
from harness.reporting.files import FORMATS, Format, known_formats, write
from harness.reporting.matrix_page import matrix_page
from harness.reporting.packet_files import PACKET_FORMATS, PacketFormat, write_packet
from harness.reporting.page import html
from harness.reporting.paper import pdf
from harness.reporting.playback import playback
from harness.reporting.text import markdown

__all__ = [
    "FORMATS",
    "PACKET_FORMATS",
    "Blinder",
    "Format",
    "PacketFormat",
    "blind",
    "feedback",
    "html",
    "json",
    "known_formats",
    "markdown",
    "matrix_page",
    "named_in",
    "pdf",
    "playback",
    "write",
    "write_fairness",
    "write_feedback",
    "write_packet",
]
