"""Sabotages of the contracts: Q1, A6, A7, A8, K3, C2, and who may do what with whose money."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_ORACLE: Final = "contracts/contracts/production-oracle.clar"
_STAKING: Final = "contracts/contracts/oracle-staking.clar"
_REGISTRATION: Final = "contracts/contracts/registration.clar"
_ROLES: Final = "contracts/contracts/roles.clar"
_QUORUM: Final = ("contracts/tests/quorum.test.ts",)
_ATTESTED: Final = ("contracts/tests/production-oracle.test.ts",)
_STAKED: Final = ("contracts/tests/oracle-staking.test.ts",)
_REGISTERED: Final = ("contracts/tests/registration.test.ts",)
_HELD: Final = ("contracts/tests/roles.test.ts",)

SABOTAGES: Final = (
    Sabotage(
        "the contract's quorum is one fewer",
        "Q1",
        _ORACLE,
        "(+ (/ (+ members (/ (- members u1) u3)) u2) u1)",
        "(/ (+ members (/ (- members u1) u3)) u2)",
        _QUORUM,
    ),
    Sabotage(
        "the contract's quorum is two thirds rounded down",
        "Q1",
        _ORACLE,
        "(+ (/ (+ members (/ (- members u1) u3)) u2) u1)",
        "(/ (* members u2) u3)",
        _QUORUM,
    ),
    Sabotage(
        "three members are proposed",
        "Q1",
        _STAKING,
        "(define-constant MEMBERS_MIN u4)",
        "(define-constant MEMBERS_MIN u3)",
        _STAKED,
    ),
    Sabotage(
        "the contract takes prevotes for commits",
        "A6",
        _ORACLE,
        "(define-constant COMMIT u2)",
        "(define-constant COMMIT u1)",
        _ATTESTED,
    ),
    Sabotage(
        "the contract counts signatures, whosever they are",
        "A6",
        _ORACLE,
        "    (secp256k1-verify vote signature key)\n",
        "    (is-eq (len key) u33)\n    (is-eq (len vote) u32)\n",
        _QUORUM,
    ),
    Sabotage(
        "the contract does not ask for a quorum",
        "A6",
        _ORACLE,
        "      (asserts! (>= (- size (len (filter not signers))) (get-quorum size))\n        ERR_NO_QUORUM\n      )\n",
        "",
        _QUORUM,
    ),
    Sabotage(
        "a shorter list of signatures will do",
        "A6",
        _ORACLE,
        "    (asserts! (is-eq (len signatures) size) ERR_SIGNATURE_SLOTS)\n",
        "",
        _QUORUM,
    ),
    Sabotage(
        "a certificate of one round passes for another's",
        "A6",
        _ORACLE,
        "          round: round,\n          phase: COMMIT,",
        "          round: (* round u0),\n          phase: COMMIT,",
        ("contracts/tests/quorum.test.ts",),
    ),
    Sabotage(
        "a window is taken off the grid",
        "Q2",
        _ORACLE,
        "    (asserts! (is-eq (mod window (get window-s members)) u0) ERR_WINDOW_UNALIGNED)\n"
        "    (asserts! (or (is-eq revision u0) (follows window revision)) ERR_REVISION_GAP)\n"
        "    (asserts!\n      (map-insert attestations {\n        window: window,\n        revision: revision,\n      } {\n"
        "        digest: digest,\n        height: height,\n        epoch: epoch,\n        signers: signers,\n"
        "        attested-at: now,\n        void: none,",
        "    (asserts! (or (is-eq revision u0) (follows window revision)) ERR_REVISION_GAP)\n"
        "    (asserts!\n      (map-insert attestations {\n        window: window,\n        revision: revision,\n      } {\n"
        "        digest: digest,\n        height: height,\n        epoch: epoch,\n        signers: signers,\n"
        "        attested-at: now,\n        void: none,",
        _ATTESTED,
    ),
    Sabotage(
        "a window length need not divide the day",
        "Q2",
        _STAKING,
        "    (asserts! (is-eq (mod u86400 window-s) u0) ERR_WINDOW_LENGTH)\n",
        "",
        _STAKED,
    ),
    Sabotage(
        "the network's identity changes with each proposal",
        "Q4",
        _STAKING,
        "      (is-eq epoch u1)\n      (var-set network",
        "      (>= epoch u1)\n      (var-set network",
        _STAKED,
    ),
    Sabotage(
        "a void keeps no reason",
        "A7",
        _ORACLE,
        "        void: (some (get reason void)),\n",
        "        void: none,\n",
        _ATTESTED,
    ),
    Sabotage(
        "a window is restated without end",
        "A8",
        _ORACLE,
        "    (<= revision REVISION_MAX)\n",
        "",
        _ATTESTED,
    ),
    Sabotage(
        "a restatement skips a revision",
        "A8",
        _ORACLE,
        "    (is-some (get-attestation window (- revision u1)))\n",
        "    (is-some (get-attestation window u0))\n",
        _ATTESTED,
    ),
    Sabotage(
        "a restated window is still the latest",
        "A8",
        _ORACLE,
        "    (is-none (get-attestation window (+ revision u1)))\n",
        "",
        _ATTESTED,
    ),
    Sabotage(
        "a restatement takes the place of the first",
        "C2",
        _ORACLE,
        "    (asserts!\n      (map-insert attestations {\n        window: window,\n        revision: revision,\n      } {\n"
        "        digest: digest,\n        height: height,\n        epoch: epoch,\n        signers: signers,\n"
        "        attested-at: now,\n        void: none,",
        "    (asserts!\n      (map-set attestations {\n        window: window,\n        revision: revision,\n      } {\n"
        "        digest: digest,\n        height: height,\n        epoch: epoch,\n        signers: signers,\n"
        "        attested-at: now,\n        void: none,",
        _ATTESTED,
    ),
    Sabotage(
        "a void takes the place of an attested window",
        "C2",
        _ORACLE,
        "    (asserts!\n      (map-insert attestations {\n        window: window,\n        revision: revision,\n      } {\n"
        "        digest: digest,\n        height: height,\n        epoch: epoch,\n        signers: signers,\n"
        "        attested-at: now,\n        void: (some",
        "    (asserts!\n      (map-set attestations {\n        window: window,\n        revision: revision,\n      } {\n"
        "        digest: digest,\n        height: height,\n        epoch: epoch,\n        signers: signers,\n"
        "        attested-at: now,\n        void: (some",
        _ATTESTED,
    ),
    Sabotage(
        "the previous epoch's certificates are taken for ever",
        "C2",
        _ORACLE,
        "    (close-epoch (- epoch u1) (+ stacks-block-time GRACE_S))\n",
        "",
        _ATTESTED,
    ),
    Sabotage(
        "the previous epoch has no grace",
        "C2",
        _ORACLE,
        "(close-epoch (- epoch u1) (+ stacks-block-time GRACE_S))",
        "(close-epoch (- epoch u1) u0)",
        _ATTESTED,
    ),
    Sabotage(
        "the epoch before the previous one stays open",
        "C2",
        _ORACLE,
        "    (and (> epoch u1) (close-epoch (- epoch u2) u0))\n",
        "",
        _ATTESTED,
    ),
    Sabotage(
        "anybody installs an epoch",
        "C2",
        _ORACLE,
        "    (asserts! (is-eq contract-caller ORACLE_STAKING) ERR_NOT_STAKING)\n",
        "",
        _ATTESTED,
    ),
    Sabotage(
        "a zone of another window is opened",
        "R6",
        _ORACLE,
        "    (asserts! (is-eq (get window summary) window) ERR_OTHER_WINDOW)\n",
        "",
        _ATTESTED,
    ),
    Sabotage(
        "a zone is opened without a proof",
        "R6",
        _ORACLE,
        "      (verify-merkle-proof\n"
        "        (sha256 (sha256 (unwrap! (to-consensus-buff? summary) ERR_ENCODING)))\n"
        "        (get root attested) index (get zone-count attested) siblings\n      )\n",
        "      (is-some (to-consensus-buff? { index: index, root: (get root attested), siblings: siblings }))\n",
        _ATTESTED,
    ),
    Sabotage(
        "a zone's leaf is hashed once",
        "R6",
        _ORACLE,
        "(sha256 (sha256 (unwrap! (to-consensus-buff? summary) ERR_ENCODING)))",
        "(sha256 (unwrap! (to-consensus-buff? summary) ERR_ENCODING))",
        _ATTESTED,
    ),
    Sabotage(
        "another group key is put in force",
        "K3",
        _STAKING,
        "        before (is-eq (get group-key before) group-key)\n",
        "        before (is-eq (len (get group-key before)) (len group-key))\n",
        _STAKED,
    ),
    Sabotage(
        "an epoch is activated without its members' certificate",
        "K3",
        _STAKING,
        "    (try! (contract-call? .production-oracle check-certificate identity epoch height\n"
        "      round digest keys signatures\n    ))\n",
        "",
        _STAKED,
    ),
    Sabotage(
        "a proposal is used twice",
        "K3",
        _STAKING,
        "    (var-set current-epoch epoch)\n    (var-set proposal none)\n",
        "    (var-set current-epoch epoch)\n",
        _STAKED,
    ),
    Sabotage(
        "anybody proposes a committee",
        "C2",
        _STAKING,
        "        (try! (assert-governor))\n        (asserts! (> window-s u0) ERR_NOT_INITIALISED)\n",
        "        (asserts! (> window-s u0) ERR_NOT_INITIALISED)\n",
        _STAKED,
    ),
    Sabotage(
        "operators without the minimum stake are proposed",
        "C2",
        _STAKING,
        "    (asserts! (>= (get stake member) MIN_STAKE_USTX) ERR_STAKE_TOO_SMALL)\n",
        "",
        _STAKED,
    ),
    Sabotage(
        "one operator has two seats",
        "Q1",
        _STAKING,
        "    (asserts! (is-none (index-of? keys key)) ERR_DUPLICATE_OPERATOR)\n",
        "",
        _STAKED,
    ),
    Sabotage(
        "stake is paid back at once",
        "E5",
        _STAKING,
        "    (asserts! (>= stacks-block-time (get unlock-at current)) ERR_STILL_UNBONDING)\n",
        "",
        _STAKED,
    ),
    Sabotage(
        "unbonding ends with the first request",
        "E5",
        _STAKING,
        '        unlock-at: unlock-at,\n      })\n    )\n    (print {\n      topic: "unstake-requested",',
        "        unlock-at: (if (> (get unlock-at current) u0) (get unlock-at current) unlock-at),\n"
        '      })\n    )\n    (print {\n      topic: "unstake-requested",',
        _STAKED,
    ),
    Sabotage(
        "a member of the committee takes its stake away",
        "C2",
        _STAKING,
        "    (asserts! (or (>= (- held amount) MIN_STAKE_USTX) (not (is-member operator)))\n"
        "      ERR_IN_COMMITTEE\n    )\n",
        "",
        _STAKED,
    ),
    Sabotage(
        "anybody slashes",
        "E6",
        _STAKING,
        "        (try! (assert-dispute))\n        (asserts! (and (> share-bps u0) (> (len guilty) u0)) ERR_AMOUNT)\n",
        "        (asserts! (and (> share-bps u0) (> (len guilty) u0)) ERR_AMOUNT)\n",
        _STAKED,
    ),
    Sabotage(
        "what is unbonding cannot be slashed",
        "E6",
        _STAKING,
        "(bond (+ held (get unbonding current)))",
        "(bond (+ held (* u0 (get unbonding current))))",
        _STAKED,
    ),
    Sabotage(
        "the whole of what is slashed is paid out",
        "E6",
        _STAKING,
        "(bounty (/ (* taken bounty-bps) BPS))",
        "(bounty taken)",
        _STAKED,
    ),
    Sabotage(
        "what is slashed is not burned",
        "E6",
        _STAKING,
        "    (try! (burn (- taken bounty)))\n",
        "",
        ("contracts/tests/oracle-staking.test.ts", "contracts/tests/conservation.test.ts"),
    ),
    Sabotage(
        "a slashed operator keeps its stake",
        "E6",
        _STAKING,
        "        stake: (- held from-stake),\n        unbonding: (- (get unbonding current) (- share from-stake)),\n        barred: true,\n",
        "        stake: held,\n        unbonding: (- (get unbonding current) (- share from-stake)),\n        barred: true,\n",
        ("contracts/tests/oracle-staking.test.ts", "contracts/tests/conservation.test.ts"),
    ),
    Sabotage(
        "a key is registered without a proof",
        "E1",
        _STAKING,
        "    (asserts!\n      (is-eq (secp256k1-recover? (try! (get-key-proof-digest contract-caller)) proof)\n"
        "        (ok key)\n      )\n      ERR_KEY_PROOF\n    )\n",
        "    (asserts! (is-eq (len proof) u65) ERR_KEY_PROOF)\n",
        _STAKED,
    ),
    Sabotage(
        "an old key forgets its operator",
        "E1",
        _STAKING,
        '    (map-set operators operator (merge current { key: key }))\n    (print {\n      topic: "node-key-rotated",',
        "    (map-delete key-operators (get key current))\n"
        '    (map-set operators operator (merge current { key: key }))\n    (print {\n      topic: "node-key-rotated",',
        _STAKED,
    ),
    Sabotage(
        "a stranger rotates an operator's key",
        "C2",
        _STAKING,
        "    (asserts! (is-eq contract-caller (get owner current)) ERR_NOT_OWNER)\n    (ok current)",
        "    (ok current)",
        _STAKED,
    ),
    Sabotage(
        "an attestation is counted twice",
        "C2",
        _STAKING,
        "    (asserts! (map-insert counted attested true) ERR_COUNTED)\n",
        "    (map-insert counted attested true)\n",
        _STAKED,
    ),
    Sabotage(
        "anybody verifies a device",
        "R1",
        _REGISTRATION,
        "  (contract-call? .roles has-role contract-caller VERIFIER)\n",
        "  (or true (contract-call? .roles has-role contract-caller VERIFIER))\n",
        _REGISTERED,
    ),
    Sabotage(
        "one key is two verified devices'",
        "R1",
        _REGISTRATION,
        "(ok (asserts! (or (is-eq key 0x) (map-insert keys-in-use key device)) ERR_KEY_IN_USE))",
        "(ok (asserts! (or (is-eq key 0x) (map-set keys-in-use key device)) ERR_KEY_IN_USE))",
        _REGISTERED,
    ),
    Sabotage(
        "the owner's new key is believed at once",
        "R1",
        _REGISTRATION,
        "        status: (if stays\n          VERIFIED\n          PENDING\n        ),\n",
        "        status: (if stays\n          VERIFIED\n          (get status found)\n        ),\n",
        _REGISTERED,
    ),
    Sabotage(
        "a revoked device leaves the registry unchanged",
        "R1",
        _REGISTRATION,
        "      (map-delete meters-in-use (get meter-id found))\n      (bump)\n",
        "      (map-delete meters-in-use (get meter-id found))\n",
        _REGISTERED,
    ),
    Sabotage(
        "the last governor can go",
        "C2",
        _ROLES,
        "    (asserts! (or (not (is-eq role GOVERNOR)) (> (var-get governor-count) u1))\n      ERR_LAST_GOVERNOR\n    )\n",
        "",
        _HELD,
    ),
    Sabotage(
        "anybody grants a role",
        "C2",
        _ROLES,
        "    (try! (assert-governor))\n    (asserts! (> (len role) u0) ERR_ROLE_NAME)\n",
        "    (asserts! (> (len role) u0) ERR_ROLE_NAME)\n",
        _HELD,
    ),
    Sabotage(
        "governance is taken by whoever asks",
        "C2",
        _ROLES,
        "    (asserts! (is-eq contract-caller (get to offer)) ERR_NO_TRANSFER)\n",
        "",
        _HELD,
    ),
)
