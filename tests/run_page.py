"""Run the snippets of a Markdown page in a process of its own, without a network: python tests/run_page.py PAGE.

Prints as JSON what they print otherwise than the page says: code, printed, written.
"""

import json
import socket
import sys
from pathlib import Path

from page_reading import wrong_outputs


def no_network(*arguments: object, **options: object) -> None:
    """Take the place of whatever would open a connection."""
    raise OSError("this page must run without a network")


if __name__ == "__main__":
    socket.socket.connect = socket.create_connection = socket.getaddrinfo = no_network
    print(json.dumps(wrong_outputs(Path(sys.argv[1]).read_text(encoding="utf-8"))))
