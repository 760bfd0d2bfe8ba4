"""Parts of a file behind a web address, each checked to be of the same file."""

from __future__ import annotations

import http.client
import math
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from brainseg_utils.download.http_answers import (
    content_length,
    parse_range,
    same_file,
)
from brainseg_utils.errors import BrainSegError

TIMEOUTS = (10, 60)  # Seconds to connect, and to wait for the next bytes.
MAX_REDIRECTS = 5
WORTH_RETRYING = {408, 425, 429, 500, 502, 503, 504}
REMEDIES = {
    401: "The source wants a login; use an address that is open.",
    403: "The source refuses: it may be closed, or the address has expired.",
    404: "Check the address; the file may have moved.",
    410: "Check the address; the file may have moved.",
}
# All that a network or a server can do wrong. It is worth another try.
NETWORK_ERRORS = (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException)


class Part:
    """The bytes of one answer, to be read once and in order.

    Attributes:
        at: Position in the file of the next byte.
        end: Position after the last one; infinite where the server does not tell.
    """

    def __init__(self, answer: requests.Response, at: int, end: float):
        self._answer, self.at, self.end = answer, at, end

    def read(self, wanted: int) -> bytes:
        """Return at least one byte; none at the end where the server told no end."""
        amount = int(min(wanted, self.end - self.at))
        chunk = self._answer.raw.read(amount, decode_content=False)
        if not chunk and math.isfinite(self.end):
            raise ConnectionError(f"the answer ended {self.end - self.at} bytes early")
        self.at += len(chunk)
        return chunk

    def close(self) -> None:
        """Give the connection back; it is kept alive where all has been read."""
        self._answer.close()


class RangeClient:
    """Asks one address for parts of its file, over one kept-alive connection.

    Attributes:
        url: Where the file lies.
        ranges: False once the server has given the whole in place of a part.
        identity: `etag` and `last_modified` as the server told them first, and `size`
            in bytes, each None where it does not tell; None before the first answer.
    """

    def __init__(self, url: str, timeouts: tuple[float, float] = TIMEOUTS):
        _check_address(url)
        self.url, self.ranges = url, True
        self.identity: dict[str, Any] | None = None
        self._session, self._timeouts = _Session(), timeouts

    def ask(self, start: int, length: int) -> Part:
        """Ask for `length` bytes from `start` on, or fewer at the end of the file.

        Returns:
            Part: beginning at `start`, or at 0 where the server knows no ranges.

        Raises:
            BrainSegError: `E-DOWNLOAD` when the source refuses, gives something else
                than a file, or gives another file than before.
            One of `NETWORK_ERRORS`: Another try may do.
        """
        answer = self._get({"Range": f"bytes={start}-{start + length - 1}"})
        if answer.status_code == 416:  # An empty file has no range.
            answer.close()
            answer = self._get({})
        try:
            return self._part(answer, start, length)
        except BaseException:
            answer.close()
            raise

    def close(self) -> None:
        self._session.close()

    def error(self, what: str, remedy: str) -> BrainSegError:
        return BrainSegError("E-DOWNLOAD", self.url, what, remedy)

    def _get(self, headers: dict[str, str]) -> requests.Response:
        """Send the request, and follow redirects."""
        headers = {**headers, "Accept-Encoding": "identity"}
        if not self.ranges:
            headers.pop("Range", None)
        url = self.url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._session.get(
                url,
                headers=headers,
                stream=True,
                timeout=self._timeouts,
                allow_redirects=False,
            )
            if not answer.is_redirect:
                return answer
            answer.close()
            url = self._redirected(url, answer.headers["location"])
        raise self.error(f"redirects over {MAX_REDIRECTS} times.", REMEDIES[404])

    def _redirected(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
        except ValueError:
            target = location  # Such as http://[, which is then refused.
        _check_address(target)
        if urlsplit(url).scheme == "https" != urlsplit(target).scheme:
            what = f"redirects from https to {target[:200]}."
            raise self.error(what, "Use an address that stays with https.")
        return target

    def _part(self, answer: requests.Response, start: int, length: int) -> Part:
        self._check_kind(answer)
        if answer.status_code == 206:
            first, end, size = parse_range(answer, start, length)
        else:
            first, size = 0, content_length(answer)
            end = math.inf if size is None else size
            self.ranges &= "Range" not in answer.request.headers
        self._identify(answer, size)
        return Part(answer, first, end)

    def _check_kind(self, answer: requests.Response) -> None:
        status, headers = answer.status_code, answer.headers
        if status in WORTH_RETRYING:
            raise ConnectionError(f"the server answered with status {status}")
        if status not in (200, 206):
            remedy = REMEDIES.get(status, "Check the address, or try again later.")
            raise self.error(f"the server answered with status {status}.", remedy)
        if headers.get("content-type", "").lower().startswith("text/html"):
            raise self.error(
                "a web page came in place of the file.",
                "Open the address in a browser: a login or a consent may be wanted.",
            )
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise self.error(
                f"came encoded as {headers['content-encoding'][:50]!r}.",
                "Use an address that gives the file as it is.",
            )

    def _identify(self, answer: requests.Response, size: int | None) -> None:
        """Note whose bytes these are; refuse them if they are another file's."""
        told = {
            "etag": answer.headers.get("etag"),
            "last_modified": answer.headers.get("last-modified"),
            "size": size,
        }
        if self.identity is None:
            self.identity = told
        elif not same_file(told, self.identity):
            raise self.error(
                f"the file changed meanwhile: it was {self.identity}, now {told}.",
                "Call again, with another folder.",
            )


class _Session(requests.Session):
    """A session that leaves redirects to its user.

    It would follow them itself only after reading their bodies, however long.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def _check_address(url: str) -> None:
    try:
        requests.Request("GET", url).prepare()
        sound = urlsplit(url).scheme in ("http", "https")
    except (ValueError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise BrainSegError(
            "E-DOWNLOAD",
            str(url)[:200],
            "wanted an address that begins with http:// or https://.",
            "Correct the address.",
        )
