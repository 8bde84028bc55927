"""Keys at rest: the format is EIP-2335's, the file is private, and no failure is nameless."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from oracle.keys.keystore import (
    LIGHT,
    STANDARD,
    Derivation,
    Key,
    KeyKind,
    KeystoreError,
    KeystoreProblem,
    generate,
    load,
    normalized,
    opened,
    read_password,
    save,
    share,
)

PASSWORD = "a long enough password"
# The scrypt vector published with EIP-2335.
OFFICIAL: dict[str, Any] = {
    "crypto": {
        "kdf": {
            "function": "scrypt",
            "params": {
                "dklen": 32,
                "n": 262144,
                "p": 1,
                "r": 8,
                "salt": "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
            },
            "message": "",
        },
        "checksum": {
            "function": "sha256",
            "params": {},
            "message": "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484",
        },
        "cipher": {
            "function": "aes-128-ctr",
            "params": {"iv": "264daa3f303d7259501c93d997d84fe6"},
            "message": "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f",
        },
    },
    "version": 4,
}
OFFICIAL_PASSWORD = "".join(chr(0x1D526 + ord(letter) - ord("i")) for letter in "testpassword") + chr(0x1F511)
OFFICIAL_SECRET = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


def problem_of(call: Any, *arguments: Any, **named: Any) -> KeystoreProblem:
    with pytest.raises(KeystoreError) as caught:
        call(*arguments, **named)
    return caught.value.problem


def test_the_official_vector_opens() -> None:
    assert opened(OFFICIAL, OFFICIAL_PASSWORD).hex() == OFFICIAL_SECRET


def test_passwords_are_normalised_and_lose_control_codes() -> None:
    assert normalized(OFFICIAL_PASSWORD).hex() == "7465737470617373776f7264f09f9491"
    assert normalized("a\x00b\x1f\x7f\x9fc d") == b"abc d"


@pytest.mark.parametrize("kind", [KeyKind.NODE, KeyKind.CHAIN, KeyKind.TLS])
def test_a_saved_key_comes_back(kind: KeyKind, tmp_path: Path) -> None:
    key = generate(kind)
    save(key, tmp_path / "key.json", PASSWORD, cost=LIGHT)
    assert load(tmp_path / "key.json", PASSWORD, kind, allow_light=True) == key


def test_a_share_comes_back_with_its_epoch(tmp_path: Path) -> None:
    key = share(bytes(31) + b"\x07", bytes(96), epoch=3)
    save(key, tmp_path / "share.json", PASSWORD, cost=LIGHT)
    again = load(tmp_path / "share.json", PASSWORD, KeyKind.SHARE, allow_light=True)
    assert again == key
    assert again.epoch == 3


def test_a_share_outside_the_field_is_refused() -> None:
    assert problem_of(share, b"\xff" * 32, bytes(96), 1) is KeystoreProblem.WRONG_KEY
    assert problem_of(share, bytes(32), bytes(96), 1) is KeystoreProblem.WRONG_KEY
    assert problem_of(generate, KeyKind.SHARE) is KeystoreProblem.WRONG_KEY


def test_the_standard_derivation_is_eip_2335s_own(tmp_path: Path) -> None:
    save(generate(KeyKind.NODE), tmp_path / "key.json", PASSWORD)
    document = json.loads((tmp_path / "key.json").read_text())
    assert document["crypto"]["kdf"]["params"]["n"] == 262144 == STANDARD.n
    assert document["wattest"]["light"] is False
    assert load(tmp_path / "key.json", PASSWORD, KeyKind.NODE).kind is KeyKind.NODE


def test_a_light_file_says_so_and_is_refused_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.NODE), path, PASSWORD, cost=LIGHT)
    document = json.loads(path.read_text())
    assert document["wattest"]["light"] is True
    document["wattest"]["light"] = False  # a lie changes nothing: the figures decide
    path.write_text(json.dumps(document))
    assert problem_of(load, path, PASSWORD, KeyKind.NODE) is KeystoreProblem.LIGHT


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        save(generate(KeyKind.NODE), tmp_path / "key.json", PASSWORD, cost=LIGHT)
    finally:
        os.umask(before)
    assert (tmp_path / "key.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.NODE), path, PASSWORD, cost=LIGHT)
    path.chmod(mode)
    reason = problem_of(load, path, PASSWORD, KeyKind.NODE, allow_light=True)
    assert reason is KeystoreProblem.READABLE_BY_OTHERS


def test_a_group_may_read_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.NODE), path, PASSWORD, cost=LIGHT)
    path.chmod(0o440)
    load(path, PASSWORD, KeyKind.NODE, allow_light=True, group_may_read=True)
    path.chmod(0o460)
    reason = problem_of(load, path, PASSWORD, KeyKind.NODE, allow_light=True, group_may_read=True)
    assert reason is KeystoreProblem.READABLE_BY_OTHERS


def test_a_key_is_never_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    first, second = generate(KeyKind.NODE), generate(KeyKind.NODE)
    save(first, path, PASSWORD, cost=LIGHT)
    assert problem_of(save, second, path, PASSWORD, cost=LIGHT) is KeystoreProblem.EXISTS
    assert load(path, PASSWORD, KeyKind.NODE, allow_light=True) == first
    save(second, path, PASSWORD, cost=LIGHT, replace=True)
    assert load(path, PASSWORD, KeyKind.NODE, allow_light=True) == second
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.json"]


def test_a_wrong_password_and_a_flipped_byte_are_named(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.NODE), path, PASSWORD, cost=LIGHT)
    wrong = problem_of(load, path, PASSWORD + "x", KeyKind.NODE, allow_light=True)
    assert wrong is KeystoreProblem.WRONG_PASSWORD
    document = json.loads(path.read_text())
    message = bytearray.fromhex(document["crypto"]["cipher"]["message"])
    message[0] ^= 1
    document["crypto"]["cipher"]["message"] = message.hex()
    path.write_text(json.dumps(document))
    flipped = problem_of(load, path, PASSWORD, KeyKind.NODE, allow_light=True)
    assert flipped is KeystoreProblem.WRONG_PASSWORD


def test_a_public_key_of_another_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.NODE), path, PASSWORD, cost=LIGHT)
    document = json.loads(path.read_text())
    document["pubkey"] = generate(KeyKind.NODE).public.hex()
    path.write_text(json.dumps(document))
    assert problem_of(load, path, PASSWORD, KeyKind.NODE, allow_light=True) is KeystoreProblem.WRONG_KEY


def test_a_key_is_loaded_only_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.CHAIN), path, PASSWORD, cost=LIGHT)
    assert problem_of(load, path, PASSWORD, KeyKind.NODE, allow_light=True) is KeystoreProblem.WRONG_KEY


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"n": 1 << 24}, KeystoreProblem.TOO_COSTLY),
        ({"p": 1 << 20}, KeystoreProblem.TOO_COSTLY),
        ({"n": 3}, KeystoreProblem.MALFORMED),
        ({"n": -2}, KeystoreProblem.MALFORMED),
        ({"r": True}, KeystoreProblem.MALFORMED),
        ({"dklen": 16}, KeystoreProblem.MALFORMED),
        ({"salt": 5}, KeystoreProblem.MALFORMED),
    ],
)
def test_hostile_parameters_are_refused_before_any_work(
    change: dict[str, Any], problem: KeystoreProblem, tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    save(generate(KeyKind.NODE), path, PASSWORD, cost=LIGHT)
    document = json.loads(path.read_text())
    document["crypto"]["kdf"]["params"] |= change
    path.write_text(json.dumps(document))
    assert problem_of(load, path, PASSWORD, KeyKind.NODE, allow_light=True) is problem


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version": 4}', '{"version": 3}', '{"version":4,"crypto":5}']
)
def test_what_is_no_keystore_is_malformed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    path.chmod(0o600)
    assert problem_of(load, path, PASSWORD, KeyKind.NODE) is KeystoreProblem.MALFORMED


def test_what_is_not_there_is_unreadable(tmp_path: Path) -> None:
    assert problem_of(load, tmp_path / "none", PASSWORD, KeyKind.NODE) is KeystoreProblem.UNREADABLE
    assert problem_of(load, tmp_path, PASSWORD, KeyKind.NODE) is KeystoreProblem.UNREADABLE
    key = generate(KeyKind.NODE)
    assert problem_of(save, key, tmp_path / "no" / "key", PASSWORD, cost=LIGHT) is KeystoreProblem.UNREADABLE


def test_a_password_file_loses_one_line_end_only(tmp_path: Path) -> None:
    path = tmp_path / "password"
    for text, password in (("word\n", "word"), ("word\r\n", "word"), (" word \n\n", " word \n")):
        path.write_bytes(text.encode())
        path.chmod(0o400)
        assert read_password(path) == password
        path.unlink()


def test_a_password_file_is_private_and_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("word\n")
    path.chmod(0o644)
    assert problem_of(read_password, path) is KeystoreProblem.READABLE_BY_OTHERS
    path.chmod(0o600)
    path.write_text("\n")
    assert problem_of(read_password, path) is KeystoreProblem.MALFORMED


def test_no_secret_is_in_a_repr() -> None:
    for kind in (KeyKind.NODE, KeyKind.CHAIN, KeyKind.TLS):
        key = generate(kind)
        shown = f"{key!r} {key}"
        assert key.secret.hex() not in shown
        assert repr(key.secret) not in shown
        assert key.public.hex() in shown or repr(key.public) in shown


def test_a_key_cannot_be_made_of_parts_that_do_not_belong_together() -> None:
    one, other = generate(KeyKind.NODE), generate(KeyKind.NODE)
    assert problem_of(Key, KeyKind.NODE, other.public, one.secret) is KeystoreProblem.WRONG_KEY
    assert problem_of(Key, KeyKind.NODE, one.public, bytes(32)) is KeystoreProblem.WRONG_KEY
    assert problem_of(Key, KeyKind.NODE, one.public, b"short") is KeystoreProblem.WRONG_KEY


def test_only_cheaper_derivations_are_light() -> None:
    assert LIGHT.light
    assert not STANDARD.light
    assert not Derivation(1 << 19, 8, 1).light
