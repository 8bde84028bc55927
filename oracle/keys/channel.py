"""The private channel between a node and its signer: one canonical value a frame.

Decides the framing, its limit, and who may be at the other end. Does not know what is said.

A frame is its length, 4 bytes, big-endian, and then the canonical bytes of one tuple. The
channel is a socket pair that the node makes and the signer inherits: it has no name that
another process could open, and its other end must belong to the same user.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from typing import Final

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.messages import Fields, WrongShape

FRAME_BYTES_MAX: Final = (1 << 20) + (1 << 14)
"""The longest payload that is signed, an operator's observations, and what stands around it."""
_LENGTH: Final = struct.Struct(">I")
_CREDENTIALS: Final = struct.Struct("3i")


class ChannelBroken(Exception):  # noqa: N818 - it states a fact
    """The other end is gone, does not answer in time, or says what is no frame."""


def send(channel: socket.socket, value: Mapping[str, Value]) -> None:
    """Send one frame. Raises ChannelBroken."""
    data = encode(value)
    if len(data) > FRAME_BYTES_MAX:
        raise ChannelBroken(f"a frame of {len(data)} bytes")
    try:
        channel.sendall(_LENGTH.pack(len(data)) + data)
    except OSError as cause:
        raise ChannelBroken(str(cause)) from cause


def receive(channel: socket.socket) -> Fields | None:
    """Receive one frame, None if the other end has closed. Raises ChannelBroken."""
    head = _exactly(channel, _LENGTH.size)
    if not head:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > FRAME_BYTES_MAX:  # before a byte of it is made room for
        raise ChannelBroken(f"a frame of {size} bytes")
    data = _exactly(channel, size)
    try:
        return Fields(decode(data, bytes_max=FRAME_BYTES_MAX))
    except (EncodingError, WrongShape) as cause:
        raise ChannelBroken(f"no frame: {cause}") from cause


def check_same_user(channel: socket.socket) -> None:
    """Refuse a channel whose other end another user made. Raises ChannelBroken."""
    if not hasattr(socket, "SO_PEERCRED"):
        return  # not Linux: an inherited pair has no name to be reached by, all the same
    raw = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    if user != os.getuid():
        raise ChannelBroken(f"the other end belongs to user {user}")


def _exactly(channel: socket.socket, size: int) -> bytes:
    """So many bytes; none at all if the channel closed before the first."""
    data = bytearray()
    while len(data) < size:
        try:
            part = channel.recv(min(size - len(data), 1 << 16))
        except OSError as cause:
            raise ChannelBroken(str(cause) or type(cause).__name__) from cause
        if not part:
            if data:
                raise ChannelBroken("closed within a frame")
            return b""
        data += part
    return bytes(data)
