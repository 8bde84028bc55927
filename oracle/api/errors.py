"""What a client may be told when there is no answer: a name, a detail, what to do.

Every error of the API is a row here. Anything else that goes wrong is `internal`, and its
trace goes to the log, never to a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from oracle.storage.failure import StorageProblem


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error's HTTP status and advice."""

    status: int
    what_to_do: str


class ApiError(Enum):
    """Names of errors, as clients see them."""

    BAD_PARAMETER = "bad-parameter"
    NOT_FOUND = "not-found"
    NO_SUCH_ROUTE = "no-such-route"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOO_LARGE = "request-too-large"
    TOO_MANY_REQUESTS = "too-many-requests"
    TOO_MANY_CLIENTS = "too-many-clients"
    BUSY = "busy"
    TIMEOUT = "timeout"
    NOT_PROVEN_HERE = "not-proven-here"
    BUNDLE_TOO_LARGE = "bundle-too-large"
    STORAGE = "storage"
    REFUSED = "refused"
    INTERNAL = "internal"

    @property
    def row(self) -> ErrorRow:
        """Status and advice."""
        return _ROWS[self]


_ROWS = {
    ApiError.BAD_PARAMETER: ErrorRow(400, "Correct the parameter; /v1/openapi.json says what it may be."),
    ApiError.NOT_FOUND: ErrorRow(404, "Ask for something this log holds; /v1/attestations lists it."),
    ApiError.NO_SUCH_ROUTE: ErrorRow(404, "See /v1/openapi.json for what can be asked."),
    ApiError.METHOD_NOT_ALLOWED: ErrorRow(405, "Use the method that /v1/openapi.json names."),
    ApiError.TOO_LARGE: ErrorRow(413, "Send less; this node's limit is in the detail."),
    ApiError.TOO_MANY_REQUESTS: ErrorRow(
        429, "Wait for as long as Retry-After says; use /v1/feed, not polling."
    ),
    ApiError.TOO_MANY_CLIENTS: ErrorRow(503, "Connect to another node, or come back later."),
    ApiError.BUSY: ErrorRow(503, "Too many bundles are being made; try again in a few seconds."),
    ApiError.TIMEOUT: ErrorRow(504, "Try again; if it stays, ask another node and tell this one's operator."),
    ApiError.NOT_PROVEN_HERE: ErrorRow(
        409, "This node lacks a part of the proof, and the detail says which; ask another node."
    ),
    ApiError.BUNDLE_TOO_LARGE: ErrorRow(
        413, "The window is too large for one file; take leaf proofs from /v1/proofs instead."
    ),
    ApiError.STORAGE: ErrorRow(
        503, "The node cannot read its disk; ask another node, its operator must act."
    ),
    ApiError.REFUSED: ErrorRow(400, "Send a well-formed HTTP request."),
    ApiError.INTERNAL: ErrorRow(500, "This is a defect; tell the node's operator when it happened."),
}


class Refused(Exception):  # noqa: N818 - it states a fact
    """Raised by handlers, turned into JSON by the middleware. `detail` is for the client to read."""

    def __init__(self, error: ApiError, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.error.row.status

    def content(self) -> dict[str, str]:
        """The JSON of the answer."""
        return {"error": self.error.value, "detail": self.detail, "what_to_do": self.error.row.what_to_do}


def storage_refusal(problem: StorageProblem) -> Refused:
    """The disk failed; clients learn the name, not the path."""
    return Refused(ApiError.STORAGE, problem.value)
