"""One record, one line, no secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from oracle.telemetry.logging import LINE_CHARACTERS_MAX, REDACTED, Form, redacted, set_up


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A root of its own, so that pytest's handlers stay."""
    yield (own := logging.Logger("node", logging.INFO))  # noqa: LOG001 - one that nobody else has
    own.handlers.clear()


def line_of(logger: logging.Logger, form: Form, *arguments: Any, **named: Any) -> str:
    out = io.StringIO()
    set_up("INFO", form, out, root=logger)
    logger.warning(*arguments, **named)
    text = out.getvalue()
    assert text.endswith("\n")
    assert text.count("\n") == 1, "one record, one line"
    return text[:-1]


def test_json_lines_are_objects_with_the_extras(logger: logging.Logger) -> None:
    content = json.loads(line_of(logger, "json", "window %d", 900, extra={"height": 7, "digest": b"\xab"}))
    assert content.pop("at").endswith("Z")
    assert content == {
        "level": "warning",
        "logger": "node",
        "message": "window 900",
        "height": 7,
        "digest": "ab",
    }


def test_text_lines_name_their_extras(logger: logging.Logger) -> None:
    line = line_of(logger, "text", "decided", extra={"height": 7})
    assert line.endswith("WARNING node: decided height=7")


@pytest.mark.parametrize(("stream", "is_json"), [(Terminal(), False), (io.StringIO(), True)])
def test_the_form_follows_from_where_the_log_goes(
    logger: logging.Logger, stream: io.StringIO, is_json: bool
) -> None:
    set_up("INFO", "auto", stream, root=logger)
    logger.info("hello")
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("form", ["json", "text"])
def test_newlines_and_terminal_codes_from_others_stay_on_the_line(logger: logging.Logger, form: Form) -> None:
    line = line_of(logger, form, "peer says %s", "a\nb\x1b[31m\r", extra={"reason": "x\ny"})
    assert "\x1b" not in line
    assert "\r" not in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_trace_is_on_the_same_line(logger: logging.Logger, form: Form) -> None:
    line = ""
    try:
        int("password=hunter2")
    except ValueError:
        line = line_of(logger, form, "failed", exc_info=True)
    assert "ValueError" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "name", ["password", "mqtt_password", "Private-Key", "seed", "keystore_password", "token", "node_secret"]
)
def test_fields_named_like_secrets_are_not_shown(logger: logging.Logger, form: Form, name: str) -> None:
    line = line_of(logger, form, "opened", extra={name: "hunter2", "nested": {name: ["hunter2"]}})
    assert "hunter2" not in line
    assert line.count(REDACTED) == 2


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "password: 'hunter2 with spaces'",
        '{"private_key": "hunter2", "height": 4}',
        "Authorization: Bearer hunter2",
        "mqtt_password=hunter2;",
        "seed = hunter2",
        "secret-share: hunter2",
        "mqtt://operator:hunter2@broker:1883/topic",
    ],
)
def test_secrets_inside_messages_are_not_shown(text: str) -> None:
    shown = redacted(f"before {text} after")
    assert "hunter2" not in shown
    assert REDACTED in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize(
    "text", ["height=7 digest=ab12", "4 shares of 3 wanted", "tokens of the window", "https://node:8080/v1"]
)
def test_what_is_no_secret_is_shown_whole(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_is_bounded_and_says_that_it_was_cut(logger: logging.Logger, form: Form) -> None:
    line = line_of(logger, form, "x" * (3 * LINE_CHARACTERS_MAX))
    assert len(line) <= LINE_CHARACTERS_MAX + 40
    assert "cut" in line
    if form == "json":
        assert json.loads(line)["cut"] > LINE_CHARACTERS_MAX


def test_setting_up_again_replaces_what_was_there(logger: logging.Logger) -> None:
    first = io.StringIO()
    set_up("INFO", "text", first, root=logger)
    second = io.StringIO()
    set_up("WARNING", "text", second, root=logger)
    logger.info("quiet")
    logger.warning("loud")
    assert first.getvalue() == ""
    assert "loud" in second.getvalue()
    assert "quiet" not in second.getvalue()


def test_an_unknown_level_is_refused(logger: logging.Logger) -> None:
    with pytest.raises(ValueError, match="LOUD"):
        set_up("LOUD", "text", io.StringIO(), root=logger)
