"""Reads a report the way a browser does: elements, attributes, and the data in its script."""

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A parsed report: ``tags`` with attributes, ``text`` by section, ``data`` of the map."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.data: Any = None
        self._section = ""
        self._script: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "section":
            self._section = attributes["id"] or ""
        if tag == "script":
            self._script = attributes.get("type") or "code"

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script == "application/json":
            self.data = json.loads(data)
        elif self._script is None:
            self.text[self._section] = self.text.get(self._section, "") + data + " "
