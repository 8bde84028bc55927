"""The API's own description, OpenAPI 3.1: every route, every parameter, the shape of every answer.

Written by hand; a test holds it against the routes there are and the answers they give.
Objects are closed: a field that is not described is a defect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from oracle.api.chain_status import ChainStatus
from oracle.api.errors import ApiError
from oracle.api.questions import KINDS
from oracle.api.view import Severity
from oracle.conduct import Misdeed
from oracle.journey import Said, Stage
from oracle.windows.vee import Rule

VERSION: Final = "1.0.0"
Schema = dict[str, Any]

_NATURAL: Final[Schema] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Schema] = {"type": "integer"}
_TEXT: Final[Schema] = {"type": "string"}


def _object(properties: Mapping[str, Schema], *optional: str) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _hex(size: int | None = None) -> Schema:
    return {"type": "string", "pattern": f"^([0-9a-f]{{2}}){'*' if size is None else f'{{{size}}}'}$"}


def _one_of(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


_HASH: Final = _hex(32)
_STAGES: Final = tuple(stage.name.lower().replace("_", "-") for stage in Stage)
_COUNTS: Final = _object(
    dict.fromkeys(
        (
            *("validated", "derived", "estimated", "questionable"),
            *("meter_signed", "gateway_signed", "witnessed"),
        ),
        _NATURAL,
    )
)
_SUMMED: Final[dict[str, Schema]] = {
    "leaf_count": _NATURAL,
    "import_wh": _NATURAL,
    "export_wh": _NATURAL,
    "quality": _NATURAL,
    "counts": _COUNTS,
}
_CEREMONY: Final[dict[str, Schema]] = {"epoch": _NATURAL, "session": _HASH, "attachment": _HASH}
_BODIES: Final = {
    "WindowBody": _object(
        {
            "window": _NATURAL,
            "revision": _NATURAL,
            "registry": _HASH,
            "root": _HASH,
            "zone_count": _NATURAL,
            **_SUMMED,
        }
    ),
    "VoidBody": _object({"window": _NATURAL, "revision": _NATURAL, "reason": _NATURAL, "count": _NATURAL}),
    "RegistryBody": _object({"registry": _HASH, "device_count": _NATURAL, "chain_height": _NATURAL}),
    "CeremonyBody": _object(_CEREMONY),
    "ActivateBody": _object(
        {**_CEREMONY, "group_key": _hex(96), "commitments": _HASH, "first_window": _NATURAL}
    ),
}
_LEAF: Final = _object(
    dict.fromkeys(
        (
            *("usage_point", "window", "import_register", "export_register", "import_wh", "export_wh"),
            *("since", "quality", "assurance"),
        ),
        _NATURAL,
    )
    | {"record": _HASH}
)
_ZONE: Final = _object({"zone": _NATURAL, "window": _NATURAL, "root": _HASH, **_SUMMED})
_TRANSACTION: Final = _object({"txid": _HASH, "status": _TEXT, "block_height": _or_null(_NATURAL)})
_MEMBER: Final = _object({"slot": _NATURAL, "node_key": _hex(33)})
_COMMITTEE: Final[dict[str, Schema]] = {
    "epoch": _NATURAL,
    "size": _NATURAL,
    "faults": _NATURAL,
    "quorum": _NATURAL,
    "members": _list(_MEMBER),
}


def _proven(value: str) -> Schema:
    return _object(
        {
            "value": _ref(value),
            "bytes": _hex(),
            "index": _NATURAL,
            "count": _NATURAL,
            "path": _list(_HASH),
        }
    )


_SCHEMAS: Final[dict[str, Schema]] = {
    **_BODIES,
    "Leaf": _LEAF,
    "Zone": _ZONE,
    "ProvenLeaf": _proven("Leaf"),
    "ProvenZone": _proven("Zone"),
    "Committee": _object(_COMMITTEE),
    "Certificate": _object(
        {
            "epoch": _NATURAL,
            "round": _NATURAL,
            "signers": _list(
                _object({"slot": _NATURAL, "node_key": _or_null(_hex(33)), "signature": _hex(65)})
            ),
            "absent": _list(_NATURAL),
        }
    ),
    "Chain": _object(
        {
            "status": _one_of(*(status.value for status in ChainStatus)),
            "txid": _or_null(_HASH),
            "block_height": _or_null(_NATURAL),
            "transactions": _list(_TRANSACTION),
        }
    ),
    "Attestation": _object(
        {
            "height": _NATURAL,
            "kind": _one_of(*KINDS),
            "window": _or_null(_NATURAL),
            "revision": _NATURAL,
            "network": _HASH,
            "digest": _HASH,
            "previous": _HASH,
            "body": {"anyOf": [_ref(name) for name in _BODIES]},
            "certificate": _ref("Certificate"),
            "signature": _or_null(_hex(48)),
            "chain": _ref("Chain"),
            "bytes": _object({"entry": _hex(), "certificate": _hex()}),
            "bundle": _TEXT,
            "revisions": _list(
                _object(
                    {
                        "revision": _NATURAL,
                        "kind": _one_of("window", "void"),
                        "height": _NATURAL,
                        "digest": _HASH,
                    }
                )
            ),
        },
        "revisions",
    ),
    "Attestations": _object({"attestations": _list(_ref("Attestation")), "next_cursor": _or_null(_NATURAL)}),
    "Proof": _object(
        {
            "usage_point": _NATURAL,
            "window": _NATURAL,
            "leaf": _ref("ProvenLeaf"),
            "zone": _ref("ProvenZone"),
            "attestation": _ref("Attestation"),
        }
    ),
    "ZonePage": _object(
        {
            "window": _NATURAL,
            "zone": _ref("ProvenZone"),
            "leaves": _list(_ref("Leaf")),
            "next_after": _or_null(_NATURAL),
            "attestation": _ref("Attestation"),
        }
    ),
    "EvidenceList": _object(
        {
            "evidence": _list(
                _object(
                    {
                        "digest": _HASH,
                        "kind": _TEXT,
                        "height": _NATURAL,
                        "size": _NATURAL,
                        "submission": _or_null(
                            _object(
                                {
                                    "state": _one_of("waiting", "sent", "proven", "refused", "elsewhere"),
                                    "key": _TEXT,
                                    "txid": _or_null(_HASH),
                                    "block_height": _or_null(_NATURAL),
                                    "detail": _TEXT,
                                }
                            )
                        ),
                        "file": _TEXT,
                    }
                )
            )
        }
    ),
    "Event": _object(
        {
            "event": _one_of("decided", "attested", "on-chain"),
            "height": _NATURAL,
            "kind": _one_of("window", "void"),
            "window": _or_null(_NATURAL),
            "revision": _NATURAL,
            "digest": _HASH,
            "body": {"anyOf": [_ref("WindowBody"), _ref("VoidBody")]},
            "signature": _or_null(_hex(48)),
            "txid": _or_null(_HASH),
            "block_height": _or_null(_NATURAL),
        }
    ),
    "CommitteeInForce": _object(
        {
            "network": _HASH,
            "genesis": _object({"chain_id": _NATURAL, "oracle": _TEXT, "window_s": _NATURAL}),
            **_COMMITTEE,
            "group_key": _or_null(_hex(96)),
            "activation_height": _or_null(_NATURAL),
            "epochs": _list(_ref("Committee")),
        }
    ),
    "Conduct": _object(
        {
            "epoch": _NATURAL,
            "entries": _NATURAL,
            "members": _list(
                _object(
                    {
                        "slot": _NATURAL,
                        "node_key": _hex(33),
                        "own": {"type": "boolean"},
                        "signed": _NATURAL,
                        "received_messages": _NATURAL,
                        "seen": _list(
                            _object(
                                {
                                    "misdeed": _one_of(*(misdeed.value for misdeed in Misdeed)),
                                    "count": _NATURAL,
                                    "at_ms": _NATURAL,
                                    "height": _NATURAL,
                                    "detail": _TEXT,
                                }
                            )
                        ),
                    }
                )
            ),
            "meters": _list(
                _object(
                    {
                        "usage_point": _NATURAL,
                        "misdeed": _one_of(Rule.TWO_STORIES.value),
                        "count": _NATURAL,
                        "at_ms": _NATURAL,
                        "window": _NATURAL,
                    }
                )
            ),
        }
    ),
    "Problem": _object(
        {
            "name": _TEXT,
            "severity": _one_of(*(severity.value for severity in Severity)),
            "since_ms": _NATURAL,
            "what_to_do": _TEXT,
        }
    ),
    "Health": _object(
        {
            "status": _one_of("ok", "degraded", "failing"),
            "network": _HASH,
            "slot": _or_null(_NATURAL),
            "height": _NATURAL,
            "round": _NATURAL,
            "next_window": _NATURAL,
            "started_at_ms": _NATURAL,
            "peers": _object({"up": _list(_NATURAL), "down": _list(_NATURAL)}),
            "chain": _object({"reachable": {"type": "boolean"}, "height": _NATURAL}),
            "outbox": _map(_NATURAL),
            "intake": _object({"counters": _map(_NATURAL), "problem": _or_null(_TEXT)}),
            "rejections": _map(_NATURAL),
            "evidence": _object({"held": _map(_NATURAL), "submissions": _map(_NATURAL)}),
            "problems": _list(_ref("Problem")),
        }
    ),
    "Journey": _object(
        {
            "windows": _list(
                _object(
                    {
                        "window": _NATURAL,
                        "height": _or_null(_NATURAL),
                        "stage": _one_of(*_STAGES),
                        "void_reason": _or_null(_NATURAL),
                        "remarks": _list(
                            _object({"at_ms": _NATURAL, "stage": _one_of(*_STAGES), "detail": _TEXT})
                        ),
                    }
                )
            )
        }
    ),
    "InputSet": _object(
        {
            "count": _NATURAL,
            "digest": _HASH,
            "complete": {"type": "boolean"},
            "rows": _list(_object({"usage_point": _NATURAL, "record": _HASH})),
        }
    ),
    "Explanation": _object(
        {
            "network": _HASH,
            "slot": _or_null(_NATURAL),
            "members": _NATURAL,
            "quorum": _NATURAL,
            "now_ms": _NATURAL,
            "window": _NATURAL,
            "window_s": _NATURAL,
            "next_window": _NATURAL,
            "height": _or_null(_NATURAL),
            "kind": _or_null(_one_of("window", "void")),
            "digest": _or_null(_HASH),
            "void": _or_null(_object({"reason": _TEXT, "count": _NATURAL})),
            "stage": _one_of(*_STAGES),
            "stages": _list(_object({"stage": _one_of(*_STAGES), "at_ms": _NATURAL, "detail": _TEXT})),
            "readings": _object(
                {"count": _NATURAL, "first_ms": _or_null(_NATURAL), "last_ms": _or_null(_NATURAL)}
            ),
            "round": _or_null(_NATURAL),
            "signers": _or_null(_list(_NATURAL)),
            "proposers": _list(_NATURAL),
            "heard": _list(
                _object(
                    {
                        "slot": _NATURAL,
                        "said": _one_of(*(said.name.lower() for said in Said)),
                        "round": _NATURAL,
                        "at_ms": _NATURAL,
                        "value": _or_null(_hex(4)),
                    }
                )
            ),
            "events": _list(_object({"at_ms": _NATURAL, "name": _TEXT, "detail": _TEXT})),
            "inputs": _object(
                {
                    "closed": _or_null(_ref("InputSet")),
                    "observed": _or_null(_ref("InputSet")),
                    "settled": _or_null(_ref("InputSet")),
                    "sources": _list(
                        _object({"format": _TEXT, "source": _NATURAL, "count": _NATURAL, "digest": _HASH})
                    ),
                    "observers": _list(_object({"slot": _NATURAL, "count": _NATURAL, "digest": _HASH})),
                }
            ),
            "chain": _or_null(_ref("Chain")),
            "peers_down": _list(_NATURAL),
        }
    ),
    "Error": _object(
        {
            "error": _one_of(*(error.value for error in ApiError)),
            "detail": _TEXT,
            "what_to_do": _TEXT,
        }
    ),
}


def _parameter(name: str, place: str, schema: Schema, description: str) -> Schema:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def _query(name: str, schema: Schema, description: str) -> Schema:
    return _parameter(name, "query", schema, description)


_REF: Final = _parameter("ref", "path", _TEXT, "`latest`, a height, or `window:<start in UTC seconds>`.")
_WINDOW: Final = _query("window", _NATURAL, "Start of the window in UTC seconds; the latest if left out.")
_LIMIT: Final = _query("limit", {"type": "integer", "minimum": 1}, "Rows of a page, up to the node's limit.")


def _route(summary: str, content: Schema, parameters: tuple[Schema, ...] = (), **more: Schema) -> Schema:
    return {
        "get": {
            "summary": summary,
            "parameters": list(parameters),
            "responses": {
                "200": {"description": "The answer.", "content": content},
                **more,
                "default": {
                    "description": "No answer, and why.",
                    "content": {"application/json": {"schema": _ref("Error")}},
                },
            },
        }
    }


def _json(name: str) -> Schema:
    return {"application/json": {"schema": _ref(name)}}


OPENAPI: Final[Schema] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Wattest node",
        "version": VERSION,
        "description": "What a network of energy oracles has attested, with the proofs. Bytes are lower-case "
        "hex, energy is whole watt-hours, time is UTC seconds unless a name ends in `_ms`.",
    },
    "paths": {
        "/v1/attestations": _route(
            "Entries of the log, a page at a time",
            _json("Attestations"),
            (
                _LIMIT,
                _query("cursor", _NATURAL, "`next_cursor` of the page before. A page may be short."),
                _query("order", _one_of("newest", "oldest"), "Which comes first; newest if left out."),
                _query("kind", _one_of(*KINDS), "Only entries of this kind."),
                _query("from", _NATURAL, "Only windows that start then or later, UTC seconds."),
                _query("to", _NATURAL, "Only windows that start then or earlier, UTC seconds."),
            ),
        ),
        "/v1/attestations/{ref}": _route("One entry of the log", _json("Attestation"), (_REF,)),
        "/v1/attestations/{ref}/bundle": _route(
            "The file that `wattest verify` judges without any node",
            {"text/vnd.wattest.bundle": {"schema": _TEXT}},
            (_REF,),
            **{"304": {"description": "The file with this ETag is still current."}},
        ),
        "/v1/proofs/{usage_point}": _route(
            "One meter's leaf, proven up to the attested root",
            _json("Proof"),
            (_parameter("usage_point", "path", _NATURAL, "Device id of the meter."), _WINDOW),
        ),
        "/v1/zones/{zone}": _route(
            "One zone's summary, proven, and its leaves",
            _json("ZonePage"),
            (
                _parameter("zone", "path", _NATURAL, "Zone id."),
                _WINDOW,
                _query("after", _NATURAL, "`next_after` of the page before."),
                _LIMIT,
            ),
        ),
        "/v1/evidence": _route(
            "What this node holds against members, newest first", _json("EvidenceList"), (_LIMIT,)
        ),
        "/v1/evidence/{digest}": _route(
            "One evidence file, for `wattest evidence verify`",
            {"application/json": {"schema": {"type": "object"}}},
            (_parameter("digest", "path", _HASH, "sha256 of the file."),),
        ),
        "/v1/windows/{window}/explanation": _route(
            "How a window went here: stages, who was heard when, and what went in",
            _json("Explanation"),
            (
                _parameter(
                    "window",
                    "path",
                    _TEXT,
                    "`latest`, a height, or a time within the window in UTC seconds.",
                ),
            ),
        ),
        "/v1/feed": _route(
            "What happens to windows, as server-sent events",
            {"text/event-stream": {"schema": _ref("Event")}},
            (
                _query("after", _NATURAL, "Tell everything above this height first."),
                _parameter(
                    "Last-Event-ID", "header", _NATURAL, "The same, as browsers send it on reconnect."
                ),
            ),
        ),
        "/v1/committee": _route("Who attests, and the key to pin", _json("CommitteeInForce")),
        "/v1/conduct": _route(
            "What members were seen doing that they should not, and how many of the last entries each signed",
            _json("Conduct"),
        ),
        "/v1/health": _route(
            "Whether the node does its work",
            _json("Health"),
            (),
            **{"503": {"description": "A problem is critical.", "content": _json("Health")}},
        ),
        "/v1/journey": _route("Where the last windows stand", _json("Journey"), (_LIMIT,)),
        "/v1/openapi.json": _route("This description", {"application/json": {"schema": {"type": "object"}}}),
        "/metrics": _route("Metrics for Prometheus", {"text/plain": {"schema": _TEXT}}),
    },
    "components": {"schemas": _SCHEMAS},
}
