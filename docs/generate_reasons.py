"""`python -m docs.generate_reasons > docs/reasons.md`: every named reason on one page.

Reads the enums from their source, because the line that belongs to a member stands there as
a string under it, or beside its name. Decides only which enums are on the page, and in
which order; a member without a line of its own gets it from LINES. A test says whether the
page is current, and whether every reason has a line.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Section:
    """One enum on the page: where it is, its heading, and where its reasons are met."""

    file: str
    enum: str
    heading: str
    where: str


@dataclass(frozen=True, slots=True)
class Row:
    """One reason: its name as it is counted or shown, and what it means."""

    member: str
    name: str
    line: str


SECTIONS: Final = (
    Section(
        "oracle/feeds/formats/reasons.py",
        "RecordReason",
        "A record is refused",
        "`wattest_intake_total`, the answer to a push, the log.",
    ),
    Section(
        "oracle/feeds/intake.py",
        "FeedReason",
        "A feed refuses what it was handed",
        "`wattest_intake_total`, the answer to a push.",
    ),
    Section(
        "oracle/windows/vee.py",
        "Rule",
        "A reading is refused or flagged by validation (R5)",
        "`wattest_rejections_total`; a flag shows as the quality of the leaf.",
    ),
    Section(
        "oracle/windows/packing.py", "Misfit", "Rows or leaves from a peer are not taken", "Inside the node."
    ),
    Section(
        "oracle/windows/late.py",
        "LateReason",
        "Late data change nothing (A8)",
        "Inside the node; they count in the next window, from the register.",
    ),
    Section("oracle/settle.py", "VoidReason", "A window is void (A7)", "The `reason` of a `void` entry."),
    Section(
        "oracle/settle.py",
        "Objection",
        "This node votes for nothing (A3)",
        "`wattest explain`, the log as `refused`.",
    ),
    Section(
        "oracle/explain/verdict.py", "Halt", "Where a window stands still", "`wattest explain`, its `halt`."
    ),
    Section(
        "consensus/messages.py",
        "MessageReason",
        "A peer's frame is refused",
        "Counted for the node; the peer is not told.",
    ),
    Section(
        "oracle/conduct.py",
        "Misdeed",
        "What a member was seen doing",
        "`/v1/conduct`: what an operator's vote on a challenge rests on (E5).",
    ),
    Section(
        "consensus/dkg/status.py",
        "FaultReason",
        "What a participant of a key ceremony did wrong",
        "The ceremony's status.",
    ),
    Section(
        "consensus/dkg/status.py",
        "FailureReason",
        "A key ceremony ended without a key (K2)",
        "The ceremony's status.",
    ),
    Section("consensus/dkg/ceremony.py", "JudgeReason", "An attachment is not voted for", "Inside the node."),
    Section(
        "consensus/dkg/bundle.py", "BundleReason", "Bytes are no bundle of this ceremony", "Inside the node."
    ),
    Section(
        "consensus/dkg/participant.py",
        "ParticipantReason",
        "A node cannot do its part in a ceremony",
        "The log.",
    ),
    Section("oracle/keys/ceremony.py", "CeremonyReason", "A node takes no part in a phase", "The log."),
    Section(
        "consensus/threshold/shares.py",
        "PolynomialReason",
        "Points are no public polynomial",
        "Inside the node.",
    ),
    Section(
        "oracle/keys/signer.py", "Refusal", "The signer refuses (N1)", "The log, as `the signer refuses a …`."
    ),
    Section(
        "oracle/keys/register_file.py",
        "RegisterProblem",
        "The sign-once register cannot be used (N3)",
        "`wattest run` ends with it.",
    ),
    Section(
        "oracle/keys/keystore.py",
        "KeystoreProblem",
        "A key cannot be loaded or saved",
        "`wattest init` and `run`.",
    ),
    Section(
        "oracle/storage/failure.py",
        "StorageProblem",
        "Nothing was stored, or read",
        "`/v1/health`, 503 answers.",
    ),
    Section(
        "oracle/peers/identity.py",
        "IdentityReason",
        "A certificate speaks for no node",
        "The log, while linking.",
    ),
    Section(
        "oracle/peers/links.py",
        "Refusal",
        "A connection is refused",
        "The log and the counters of the links.",
    ),
    Section("oracle/peers/link.py", "CloseCode", "This node closes a link", "The WebSocket close code."),
    Section(
        "oracle/chain/answers.py",
        "RejectReason",
        "A Stacks node refuses a transaction",
        "The outbox; the words are the Stacks node's own.",
    ),
    Section("oracle/chain/job.py", "Refusal", "What such a refusal means for the job", "The outbox."),
    Section("oracle/chain/job.py", "Abandoned", "A job of the outbox was given up", "The outbox."),
    Section(
        "oracle/api/client.py",
        "FetchProblem",
        "There is nothing to verify",
        "`wattest export`, `verify`, `status`.",
    ),
    Section(
        "oracle/api/exporter.py",
        "ExportProblem",
        "There is no bundle of a height",
        "The detail of an API error.",
    ),
    Section("oracle/api/errors.py", "ApiError", "An error of the API", "The `error` of the JSON answer."),
    Section(
        "oracle/audit/document.py",
        "BundleReason",
        "A file is no bundle",
        "The step `file` of `wattest verify`.",
    ),
    Section(
        "oracle/evidence/file.py",
        "EvidenceReason",
        "Evidence proves nothing (E6)",
        "The failed step of `wattest evidence verify`, and its `reason` with `--json`.",
    ),
    Section(
        "consensus/evidence.py",
        "DoubleVoteReason",
        "Two votes prove nothing (E1)",
        "The step `votes` of `wattest evidence verify`.",
    ),
)

LINES: Final = {
    "oracle/api/exporter.py:ExportProblem": {
        "NO_SUCH_HEIGHT": "The log has not reached this height, or never had it.",
        "TOO_LARGE": "More leaves or bytes than one file may have: take leaf proofs from /v1/proofs.",
    },
    "oracle/peers/links.py:Refusal": {
        "NOT_A_MEMBER": "The key is of no member of the committee.",
        "BLOCKED": "This node has cut the member off.",
        "SELF": "This node's own key answers there: the address of that peer is wrong.",
    },
    "oracle/peers/link.py:CloseCode": {
        "GOING_AWAY": "This node is stopping; the link is dialed again.",
        "MALFORMED": "Text, or a broken frame: no node of ours sends it.",
        "TOO_BIG": "A message beyond the limit.",
        "DUPLICATE": "Two links with one member: the other one stays.",
        "NOT_A_MEMBER": "The peer has left the committee.",
        "BLOCKED": "This node has cut the member off.",
        "SILENT": "For too long nothing was heard, or nothing taken: look at the network in between.",
    },
    "oracle/keys/signer.py:Refusal": {
        "NOT_CANONICAL": "The bytes are no canonical value, so nobody can say what would be signed.",
    },
    "oracle/keys/keystore.py:KeystoreProblem": {
        "WRONG_PASSWORD": "The password does not open the file, or a byte of the file has changed.",
    },
    "consensus/dkg/ceremony.py:JudgeReason": {
        "OUT_OF_PHASE": "An entry of another phase than the open one.",
        "UNEXPECTED_SLOT": "A bundle of a slot that has nothing to say in this phase.",
        "FOREIGN": "A bundle of another ceremony.",
    },
    "consensus/threshold/shares.py:PolynomialReason": {
        "WRONG_LENGTH": "Another number of points than the threshold.",
        "BAD_POINT": "A point off the curve, outside the subgroup, infinite or not canonical (T3).",
    },
    "oracle/audit/document.py:BundleReason": {
        "TOO_LARGE": "Larger than any bundle: not one of ours.",
        "NOT_A_BUNDLE": "The first line is not that of a bundle.",
    },
    "oracle/chain/job.py:Refusal": {
        "NONCE_GONE": "Another transaction has used this nonce: the job takes the next.",
        "FEE": "The fee is too low: it is raised, up to the cap.",
        "NEVER": "No node will ever take it: the job is abandoned.",
    },
    "oracle/chain/answers.py:RejectReason": {
        "SERIALIZATION": "The node could not write the transaction: try another endpoint.",
        "DESERIALIZATION": "The node could not read the transaction: a defect, or another chain.",
        "SIGNATURE_VALIDATION": "The signature does not fit: is the account key that of this chain?",
        "FEE_TOO_LOW": "The outbox raises the fee up to its cap, then waits for fees to fall.",
        "BAD_NONCE": "The account's nonce has moved on: is another program using the account?",
        "NOT_ENOUGH_FUNDS": "Fund the account; nothing is lost, the queue waits.",
        "NO_SUCH_CONTRACT": "Not deployed there: check `chain.deployer`. A deploy under way is waited for.",
        "NO_SUCH_PUBLIC_FUNCTION": "The contract is another version: check `chain.deployer`.",
        "BAD_FUNCTION_ARGUMENT": "The contract is another version, or a defect of ours.",
        "CONTRACT_ALREADY_EXISTS": "Deployed before: nothing to do.",
        "POISON_MICROBLOCKS_DO_NOT_CONFLICT": "Of no transaction of ours.",
        "POISON_MICROBLOCK_HAS_UNKNOWN_PUB_KEY_HASH": "Of no transaction of ours.",
        "POISON_MICROBLOCK_IS_INVALID": "Of no transaction of ours.",
        "BAD_ADDRESS_VERSION_BYTE": "An address of another chain: check `chain.deployer`.",
        "NO_COINBASE_VIA_MEMPOOL": "Of no transaction of ours.",
        "NO_TENURE_CHANGE_VIA_MEMPOOL": "Of no transaction of ours.",
        "CONFLICTING_NONCE_IN_MEMPOOL": "One with this nonce waits: ours, until the chain says otherwise.",
        "TOO_MUCH_CHAINING": "Too many of the account wait: the outbox sends the rest later.",
        "BAD_TRANSACTION_VERSION": "Made for another chain: check the endpoint.",
        "TRANSFER_RECIPIENT_CANNOT_EQUAL_SENDER": "Of no transaction of ours.",
        "TRANSFER_AMOUNT_MUST_BE_POSITIVE": "Of no transaction of ours.",
        "ESTIMATOR_ERROR": "The node cannot estimate fees: try another endpoint.",
        "TEMPORARILY_BLACKLISTED": "The node will not take it for a while: try another endpoint.",
        "SERVER_FAILURE_NO_SUCH_CHAIN_TIP": "The node is catching up: it is asked again.",
        "SERVER_FAILURE_DATABASE": "The node's own disk failed: try another endpoint.",
        "SERVER_FAILURE_OTHER": "The node's own fault: try another endpoint.",
    },
}
"""Lines of members whose source has none, by `file:enum`."""

HEAD: Final = """\
# Reasons

Everything that Wattest refuses, flags or gives up has a name. This page has them all, with what
each means or what to do about it. It is written by

    python -m docs.generate_reasons > docs/reasons.md

from the enums in the source; a test says whether it is current.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, _problems(), *map(_section, SECTIONS)])


def rows(section: Section) -> tuple[Row, ...]:
    """The members of an enum in their order; `line` is empty where nobody has written one."""
    tree = _tree(section.file)
    advice = _error_rows(tree) if section.enum == "ApiError" else {}
    written = LINES.get(f"{section.file}:{section.enum}", {})
    found = []
    for member, name, line in _members(_class(tree, section.enum)):
        found.append(Row(member, name, line or written.get(member, "") or advice.get(member, "")))
    return tuple(found)


def reason_enums() -> Iterator[tuple[str, str]]:
    """(file, enum) of everything in the source that is a reason: by its name, or because it is refused with.

    Whatever is handed to `Rejected` is one, and so is an enum that is called as reasons are.
    """
    trees = {path: _tree(path) for path in _modules()}
    refused_with = {name for tree in trees.values() for name in _refused_with(tree)}
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef) or all(_text_of(one) not in _ENUMS for one in node.bases):
                continue
            if node.name in refused_with or node.name.endswith(_CALLED):
                yield file, node.name


def superfluous_lines() -> tuple[str, ...]:
    """Lines of LINES that no member needs."""
    needed = {
        f"{section.file}:{section.enum}": {
            member for member, _, line in _members(_class(_tree(section.file), section.enum)) if not line
        }
        for section in SECTIONS
    }
    return tuple(
        f"{place}.{member}"
        for place, lines in LINES.items()
        for member in lines
        if member not in needed.get(place, set())
    )


def _section(section: Section) -> str:
    where = f"`{section.enum}` in [{section.file}](../{section.file}). Seen in: {section.where}"
    table = _table(("name", "what it means, what to do"), [(row.name, row.line) for row in rows(section)])
    return f"## {section.heading}\n\n{where}\n\n{table}"


def _members(enum: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """(member, value as text, its line or "")."""
    for at, node in enumerate(enum.body):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        value, line = node.value, ""
        if isinstance(value, ast.Tuple):
            line = _text(value.elts[1])
            value = value.elts[0]
        follower = enum.body[at + 1] if at + 1 < len(enum.body) else None
        if not line and isinstance(follower, ast.Expr):
            line = " ".join(_text(follower.value).split())
        yield node.targets[0].id, _value(value), line


def _error_rows(tree: ast.Module) -> dict[str, str]:
    """`what_to_do` of every API error, with its status."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "_ROWS"
        ):
            table = node.value
            if isinstance(table, ast.Dict):
                return dict(map(_error_row, table.keys, table.values))
    raise LookupError("the API's errors have no table `_ROWS`")


def _error_row(key: ast.expr | None, value: ast.expr) -> tuple[str, str]:
    if not isinstance(key, ast.Attribute) or not isinstance(value, ast.Call):
        raise TypeError("a row of `_ROWS` is not `ApiError.NAME: ErrorRow(status, advice)`")
    return key.attr, f"{_value(value.args[0])}. {_text(value.args[1])}"


def _problems() -> str:
    """The problems of /v1/health, from the one table that makes them."""
    file = "oracle/standing.py"
    found = [
        (name.value, what.elts[1].attr.lower(), _text(what.elts[2]))
        for table in ast.walk(_tree(file))
        if isinstance(table, ast.Dict)
        for name, what in zip(table.keys, table.values, strict=True)
        if isinstance(name, ast.Constant)
        and isinstance(what, ast.Tuple)
        and len(what.elts) == 3
        and isinstance(what.elts[1], ast.Attribute)
    ]
    if not found:
        raise LookupError("the problems of /v1/health are not where they were")
    head = "## What `/v1/health` and `wattest status` complain about"
    where = f"`Standing._checks` in [{file}](../{file})."
    table = _table(("problem", "severity", "what to do"), [(str(a), b, c) for a, b, c in found])
    return f"{head}\n\n{where}\n\n{table}"


def _table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    rows_ = [f"| `{first}` | " + " | ".join(_cell(one) for one in rest) + " |" for first, *rest in lines]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows_]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


_ENUMS: Final = ("Enum", "IntEnum", "StrEnum")
_CALLED: Final = (
    *("Reason", "Problem", "Refusal", "Rule", "Misfit", "Objection", "Halt", "Fault", "Error"),
    *("Abandoned", "CloseCode", "Failure", "Refused", "Gap", "Flaw"),
)
"""How reasons are called: an enum whose name ends so is one."""


def _modules() -> list[str]:
    found = [path for root in ("consensus", "oracle") for path in (ROOT / root).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def _refused_with(tree: ast.Module) -> Iterator[str]:
    """Names of enums whose members are given to `Rejected` as its reason."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _text_of(node.func) == "Rejected" and node.args:
            reason = node.args[0]
            if isinstance(reason, ast.Attribute) and isinstance(reason.value, ast.Name):
                yield reason.value.id


def _text_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"no enum {name}")


def _value(node: ast.expr) -> str:
    return str(ast.literal_eval(node))


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


if __name__ == "__main__":
    sys.stdout.write(page())
