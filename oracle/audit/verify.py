"""Judge one bundle: the steps, in order, and the verdict.

This is what an auditor runs. Bytes in, verdict out; nothing here trusts an operator,
the exporter or the node's code. A step that fails does not stop the others: the first
failure says where the chain of proof breaks, the rest say what still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from consensus.model import Rejected
from oracle.audit import chain, log, revision, sources, trees
from oracle.audit.backend import Backend, BackendName, select
from oracle.audit.bundle import Bundle, parse
from oracle.audit.case import Case, Expectations, concluded, not_checked, short
from oracle.audit.values import CEREMONY_KINDS, CeremonyBody, VoidBody
from oracle.audit.verdict import Outcome, Step, Verdict
from oracle.model import WindowSummary

STEPS = (
    *("file", "genesis", "epoch", "log-link", "certificate", "bls"),
    *("window-tree", "zone-trees", "totals", "energy", "registry"),
    *("records", "meter-signatures", "observations", "chain"),
)
"""All steps of a window; other kinds of entry take fewer, `attachment` for ceremonies.

A restatement takes one more, `revision`, after `bls`.
"""


def verify(
    data: bytes, expected: Expectations | None = None, backend: Backend | BackendName = "auto"
) -> Verdict:
    """Verify a bundle file.

    `expected` is what the auditor knows from elsewhere. Raises ImportError if `backend`
    is "fast" and its libraries are missing; bad bytes raise nothing.
    """
    arithmetic = select(backend) if isinstance(backend, str) else backend
    bundle = parse(data)
    if isinstance(bundle, Rejected):
        refused = Step("file", Outcome.FAILED, f"{bundle.reason.value}: {bundle.detail}")
        rest = tuple(not_checked(name, "the file could not be read") for name in STEPS[1:])
        return Verdict("an unreadable bundle", arithmetic.name, (refused, *rest))
    case = Case.of(bundle, arithmetic, expected or Expectations())
    read = Step("file", Outcome.PASSED, f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}")
    return Verdict(_subject(bundle), arithmetic.name, (read, *_steps(case)))


def _steps(case: Case) -> Iterator[Step]:
    kind = case.bundle.signed.entry.kind
    yield log.genesis_step(case)
    yield log.epoch_step(case)
    yield log.log_link_step(case)
    yield log.certificate_step(case)
    yield log.bls_step(case)
    if kind == "window":
        yield from _window_steps(case)
    if kind == "registry":
        yield trees.registry_entry_step(case)
    if kind in CEREMONY_KINDS:
        yield _attachment_step(case)
    if kind in chain.FUNCTIONS:
        yield chain.chain_step(case)


def _window_steps(case: Case) -> Iterator[Step]:
    if case.summary.revision:
        yield revision.revision_step(case)
    yield trees.window_tree_step(case)
    yield trees.zone_trees_step(case)
    totals = trees.totals_step(case)
    yield totals
    if totals.outcome is Outcome.FAILED and not trees.has_known_codes(case):
        why = "a leaf has a quality or assurance that does not exist"
        yield from (not_checked(name, why) for name in STEPS[9:14])
        return
    parsed = sources.Sources.of(case.bundle.records)
    yield trees.energy_step(case)
    yield trees.registry_step(case)
    yield sources.records_step(case, parsed)
    yield sources.meter_signatures_step(case, parsed)
    yield sources.observations_step(case)


def _attachment_step(case: Case) -> Step:
    """The blob that a ceremony entry is about is the one it names (K1)."""
    body, attachment = case.bundle.signed.entry.body, case.bundle.attachment
    if not attachment:
        return not_checked("attachment", "the blob that the entry names is not in the file")
    named = body.attachment if isinstance(body, CeremonyBody) else b""
    good = hashlib.sha256(attachment).digest() == named
    faults = iter(() if good else ("the blob is not the one that the entry names",))
    return concluded("attachment", faults, f"{len(attachment)} bytes are what the entry names")


def _subject(bundle: Bundle) -> str:
    entry = bundle.signed.entry
    where = f"height {entry.height} of network {short(entry.network)}"
    match entry.body:
        case WindowSummary(window=window, revision=number):
            return f"window {window} revision {number}, {where}"
        case VoidBody(window=window, revision=number):
            return f"void window {window} revision {number}, {where}"
        case _:
            return f"`{entry.kind}` entry, {where}"
