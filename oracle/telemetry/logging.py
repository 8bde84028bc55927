"""How the process writes its log: one record, one line, no secrets.

Text for a person at a terminal, JSON for everything else. Decides the form only; what
is logged, and at which level, is decided where it happens. Secrets do not belong into
log calls at all: the redaction here is the second lock, not the first.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

Form = Literal["auto", "text", "json"]

REDACTED: Final = "[redacted]"
LINE_CHARACTERS_MAX: Final = 16_384
"""A longer line is cut and says so: whoever sends us long strings must not fill the disk."""
SECRET_NAMES: Final = frozenset(
    (
        *("authorization", "cookie", "mnemonic", "passphrase", "password", "secret", "seed", "token"),
        *("api_key", "keystore_password", "mqtt_password", "private_key", "salt", "secret_share", "serial"),
    )
)
"""Names whose values never reach a line; `-` and `_` are one, case does not matter."""

_SPELLINGS: Final = "|".join(sorted(name.replace("_", "[-_ ]?") for name in SECRET_NAMES))
_ASSIGNED: Final = re.compile(
    rf"(?i)((?:\b|_)(?:{_SPELLINGS})\b[\"']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?(\"[^\"]*\"|'[^']*'|[^\s,;}})]+)"
)
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {10: "\\n", 9: " ", 13: "\\r"}


def set_up(
    level: str = "INFO",
    form: Form = "auto",
    stream: TextIO | None = None,
    *,
    root: logging.Logger | None = None,
) -> logging.Handler:
    """Send everything that is logged to `stream` (standard error), and nothing anywhere else.

    `auto` is text on a terminal and JSON elsewhere. Raises ValueError for an unknown level.
    """
    out = sys.stderr if stream is None else stream
    as_text = form == "text" or (form == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(TextLines() if as_text else JsonLines())
    logger = logging.getLogger() if root is None else root
    for old in list(logger.handlers):
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(level)
    return handler


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, what `extra` gave, and the trace if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        content: dict[str, object] = {
            "at": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
            **{name: _safe(name, value) for name, value in _extras(record).items()},
        }
        trace = self._trace(record)
        if trace:
            content["trace"] = trace
        line = json.dumps(content, ensure_ascii=True, separators=(",", ":"), default=str)
        if len(line) <= LINE_CHARACTERS_MAX:
            return line
        content = {name: content[name] for name in ("at", "level", "logger")} | {
            "message": str(content["message"])[: LINE_CHARACTERS_MAX // 8],
            "cut": len(line),
        }
        return json.dumps(content, ensure_ascii=True, separators=(",", ":"))

    def _trace(self, record: logging.LogRecord) -> str:
        return redacted(self.formatException(record.exc_info)) if record.exc_info else ""


class TextLines(logging.Formatter):
    """`time level logger: message name=value`, the trace folded into the same line."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        extras = "".join(f" {name}={_safe(name, value)}" for name, value in _extras(record).items())
        trace = f" | {redacted(self.formatException(record.exc_info))}" if record.exc_info else ""
        line = f"{_utc(record.created)} {record.levelname:<7} {record.name}: "
        line += f"{redacted(record.getMessage())}{extras}{trace}"
        line = line.translate(_CONTROL)
        cut = f" [cut from {len(line)}]" if len(line) > LINE_CHARACTERS_MAX else ""
        return line[:LINE_CHARACTERS_MAX] + cut


def redacted(text: str) -> str:
    """The text without the values of what is named like a secret, and without URL passwords."""
    return _USERINFO.sub(REDACTED, _ASSIGNED.sub(rf"\g<1>{REDACTED}", text))


def is_secret(name: str) -> bool:
    """Whether a field of that name is never shown."""
    plain = name.lower().replace("-", "_")
    return any(plain == secret or plain.endswith("_" + secret) for secret in SECRET_NAMES)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _safe(name: str, value: object) -> object:
    if is_secret(name):
        return REDACTED
    if isinstance(value, Mapping):
        return {str(key): _safe(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(name, item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return redacted(value) if isinstance(value, str) else value


def _utc(created_s: float) -> str:
    return datetime.fromtimestamp(created_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
