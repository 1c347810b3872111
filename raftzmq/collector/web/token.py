"""The control token: who knows it may change the cluster through the page; everybody else may look.

It is made anew at each start of the collector and lies in a file that only the same user can read, so whoever may
start and stop the nodes may also break them from the page, and nobody else on the machine. It travels in a header,
never in a cookie: a browser adds cookies to what other pages send, but no header of ours.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from aiohttp import web

from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.token_file import TOKEN_FILE
from raftzmq.errors import ConfigurationError

TOKEN_BYTES = 16
"""As many as a random UUID has: nobody guesses it."""
_HOW = "'raftzmq page' prints the page's address with the token in it"


class Token:
    """A random one; `text` is what a request says as ``Authorization: Bearer TEXT``."""

    def __init__(self) -> None:
        self.text = secrets.token_hex(TOKEN_BYTES)

    def check(self, request: web.BaseRequest) -> None:
        """Raise Refusal (401 if the request has no token, 403 if it has a wrong one) unless it has this one."""
        said = request.headers.getall("Authorization", [])
        scheme, _, text = said[0].partition(" ") if len(said) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not text.strip():
            raise Refusal(
                401,
                f"this needs the control token, as 'Authorization: Bearer TOKEN': {_HOW}",
                {"WWW-Authenticate": "Bearer"},
            )
        # In constant time: how long the comparison takes must not tell how much of a guess was right.
        if not hmac.compare_digest(text.strip().encode("utf-8", "surrogateescape"), self.text.encode()):
            raise Refusal(
                403, f"this is not the control token of this collector's life; it is new at each start: {_HOW}"
            )

    def known_to(self, request: web.BaseRequest) -> bool:
        """Does the request have this token?"""
        try:
            self.check(request)
        except Refusal:
            return False
        return True

    def write(self, directory: Path) -> Path:
        """Put it into the directory of recordings, readable by this user only; the file. Raises ConfigurationError.

        The directory must be locked: the token of a collector that runs must stay.
        """
        path = directory / TOKEN_FILE
        beside = path.with_suffix(".new")
        try:
            beside.unlink(missing_ok=True)
            # Made with its mode, rather than given it later: it must not be open to others for a moment.
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{self.text}\n")
            beside.replace(path)
        except OSError as error:
            raise ConfigurationError(f"the control token cannot be written to {path}: {error.strerror}") from None
        return path
