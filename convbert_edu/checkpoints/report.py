"""What became of every tensor when weights were loaded: a short table, as text or in a notebook."""

import html
from dataclasses import dataclass, field


@dataclass
class LoadingReport:
    """What was loaded, from where, and what was not: by our names, except `ignored`, which are names in the file.

    mapped: those loaded tensors that have another name in the file, with that name
    resized: tensors whose size in config.json was wrong or unwanted, with what was done about it
    """

    source: str
    loaded: list[str] = field(default_factory=list)
    newly_initialised: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    mapped: dict[str, str] = field(default_factory=dict)
    resized: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, int, str]]:
        """Return the lines of the table: what happened, to how many tensors, and to which, a few as examples."""
        mapped = [f"{ours} from {theirs}" for ours, theirs in self.mapped.items()]
        resized = [f"{name}: {what}" for name, what in self.resized.items()]
        return [
            ("loaded", len(self.loaded), _first(4, self.loaded)),
            ("newly initialised", len(self.newly_initialised), _first(4, self.newly_initialised)),
            ("ignored", len(self.ignored), _first(4, self.ignored)),
            ("mapped", len(mapped), _first(2, mapped)),
            ("resized", len(resized), _first(2, resized)),
        ]

    def __str__(self) -> str:
        lines = [f"{title:<18}{count:>5}  {names}".rstrip() for title, count, names in self.rows()]
        return "\n".join([f"weights from {self.source}", *lines])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{title}</th><td>{count}</td>"
            f"<td style='text-align:left'>{html.escape(names)}</td></tr>"
            for title, count, names in self.rows()
        )
        return (
            f"<table><caption>weights from {html.escape(self.source)}</caption>"
            f"<tr><th>what</th><th>tensors</th><th style='text-align:left'>names</th></tr>{rows}</table>"
        )


def _first(count: int, names: list[str]) -> str:
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
