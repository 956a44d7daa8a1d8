"""A page taken apart by the standard library's parser."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "col"}


class PageParts(HTMLParser):
    """Every element, id, reference and text of a page, and whether the tags match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.headings: list[int] = []

    @classmethod
    def of(cls, page: str) -> PageParts:
        """Parse a whole page."""
        parts = cls()
        parts.feed(page)
        parts.close()
        return parts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute twice in <{tag} {attrs}>"
        self.elements.append((tag, found))
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.references += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)
