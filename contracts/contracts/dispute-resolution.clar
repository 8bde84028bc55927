;; Title: dispute-resolution
;; Decides: whether members of a committee have broken the rules, and what that costs
;;   them. Double votes (E1), leaves that do not follow from their record (E2) and false
;;   sums (E3) are decided here, at once; what no contract can decide, a withheld record
;;   among it (E4, ADR 0010), is put to a bonded vote with a deadline (E5).
;; Immutable: judgements, votes and challenges are inserted once. A vote is punished once
;;   for each (operator, height, round, phase), an attestation once for each (window,
;;   revision): one signature, one punishment, however many proofs there are.
;; Who may call: anyone shows evidence and gets the bounty; anyone opens a challenge with
;;   a bond; owners of the committee vote. The pause does not reach here.
;; Sound: an honest committee is never slashed, whatever a meter or a gateway has signed.
;;   A leaf names its record, so two stories of one meter frame nobody; and of a record
;;   only what is understood beyond doubt counts. All else is unsupported, and no offence.
;; Conservation: bonds paid = refunded + burned + held here.

;;;; Constants

(define-constant BOUNTY_BPS u1000)
(define-constant DOUBLE_VOTE_BPS u2000)
(define-constant FALSE_LEAF_BPS u5000)
(define-constant FALSE_SUM_BPS u5000)
(define-constant CHALLENGE_BPS u1000)
;; How long an attestation can be disputed, in seconds: oracle-staking's dispute-s.
(define-constant DISPUTE_S u604800)
;; What opens a challenge, in microSTX: 100 STX.
(define-constant BOND_USTX u100000000)
;; How long a challenge is voted on, and how long after that its accused's bond is held
;; for somebody to resolve it, in seconds: 3 days and 1 day.
(define-constant VOTING_S u259200)
(define-constant RESOLVE_S u86400)

;; Why an attestation was judged false.
(define-constant FALSE_LEAF u2)
(define-constant FALSE_SUM u3)

;; How a challenge ended.
(define-constant OPEN u0)
(define-constant GUILTY u1)
(define-constant ACQUITTED u2)
(define-constant UNDECIDED u3)
(define-constant GROUND_MAX u6)

;; No meter shows more, in Wh: where the registers of energy.py end.
(define-constant REGISTER_MAX u1000000000000000)

;; The consensus bytes of (string-ascii n), n to 30, but for the last byte of n.
(define-constant ASCII 0x0d000000)
(define-constant LENGTHS 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e)
;; "OCMF|"
(define-constant OCMF_HEADER 0x4f434d467c)
;; The three keys of a reading, between their quotes, and what stands between values.
(define-constant KEY_RV 0x22525622)
(define-constant KEY_RI 0x22524922)
(define-constant KEY_RU 0x22525522)
(define-constant UNTIL_RI 0x2c225249223a22)
(define-constant UNTIL_RU 0x222c225255223a22)
;; "kWh" and "Wh"
(define-constant KWH 0x6b5768)
(define-constant WH 0x5768)
;; Total registers of energy in: 1-0:1.8.0, 1-b:1.8.0, 1-b:1.8.e, 1-0:1.8.0*255,
;; 1-0:1.8.0*FF, 01-00:01.08.00*FF, 01-00:B0.08.00*FF.
(define-constant IMPORTS (list
  0x312d303a312e382e30 0x312d623a312e382e30 0x312d623a312e382e65
  0x312d303a312e382e302a323535 0x312d303a312e382e302a4646
  0x30312d30303a30312e30382e30302a4646 0x30312d30303a42302e30382e30302a4646
))
;; The same of energy out: 2.8.0 and C0.
(define-constant EXPORTS (list
  0x312d303a322e382e30 0x312d623a322e382e30 0x312d623a322e382e65
  0x312d303a322e382e302a323535 0x312d303a322e382e302a4646
  0x30312d30303a30322e30382e30302a4646 0x30312d30303a43302e30382e30302a4646
))
;; A record with more letters R than this, but for two in each reading, is unsupported.
(define-constant STEPS (list u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0))

;; A value has no consensus bytes; no argument of these types can cause it.
(define-constant ERR_ENCODING (err u500))
;; No epoch is in force.
(define-constant ERR_NO_NETWORK (err u501))
;; These are no 65 bytes that a key has signed.
(define-constant ERR_SIGNATURE (err u502))
;; The two votes are of two keys.
(define-constant ERR_OTHER_KEY (err u503))
;; The two votes say the same.
(define-constant ERR_SAME_VOTE (err u504))
;; No operator has this id, or has or had this key.
(define-constant ERR_NOT_OPERATOR (err u505))
;; This offence is punished already.
(define-constant ERR_JUDGED (err u506))
;; No such attestation, or a void.
(define-constant ERR_NOT_ATTESTED (err u507))
;; The attestation can be disputed no more.
(define-constant ERR_TOO_LATE (err u508))
;; The zone is not open in production-oracle.
(define-constant ERR_ZONE_CLOSED (err u509))
;; The proof does not lead from the leaf to the zone's root.
(define-constant ERR_NOT_PROVEN (err u510))
;; A restatement carries on the leaves of others: leaves are judged in revision 0.
(define-constant ERR_RESTATED (err u511))
;; These bytes are not the record that the leaf names.
(define-constant ERR_OTHER_RECORD (err u512))
;; The record says something that is not understood here beyond doubt.
(define-constant ERR_UNSUPPORTED (err u513))
;; The evidence shows nothing false.
(define-constant ERR_NOT_FALSE (err u514))
;; The leaf at `since` is missing, or is another one.
(define-constant ERR_SINCE (err u515))
;; These are not all zones of the window, ascending by id.
(define-constant ERR_ZONES (err u516))
;; No leaves, or more than the zone has; or not all are counted yet.
(define-constant ERR_TALLY (err u517))
;; There is no such ground for a challenge.
(define-constant ERR_GROUND (err u518))
;; Evidence is named by its sha256.
(define-constant ERR_EVIDENCE (err u519))
;; This challenge was opened before.
(define-constant ERR_KNOWN (err u520))
;; The STX could not be moved.
(define-constant ERR_TRANSFER (err u521))
;; No challenge has this id.
(define-constant ERR_UNKNOWN_CHALLENGE (err u522))
;; The caller owns no member that may vote, or nobody does.
(define-constant ERR_NOT_VOTER (err u523))
;; An owner votes once.
(define-constant ERR_VOTED (err u524))
;; The deadline is over.
(define-constant ERR_VOTING_OVER (err u525))
;; Neither is there a majority nor is the deadline over.
(define-constant ERR_VOTING_OPEN (err u526))
;; The challenge is resolved.
(define-constant ERR_RESOLVED (err u527))

;;;; Data

;; Insert-only: who showed a double vote.
(define-map double-votes
  {
    operator: uint,
    height: uint,
    round: uint,
    phase: uint,
  }
  principal
)

;; Insert-only: attestations that were judged false.
(define-map judgements
  {
    window: uint,
    revision: uint,
  }
  {
    ground: uint,
    by: principal,
    at: uint,
  }
)

;; Invariant: the sums are those of the first `counted` leaves of the zone.
(define-map tallies
  {
    window: uint,
    revision: uint,
    zone: uint,
  }
  {
    counted: uint,
    import-wh: uint,
    export-wh: uint,
  }
)

(define-data-var challenge-count uint u0)

;; Invariants: ids are 1 .. challenge-count; `guilty` + `innocent` <= `seats`; `outcome`
;; leaves OPEN once; the bond of every open challenge is held here.
(define-map challenges
  uint
  {
    accused: uint,
    owner: principal,
    ground: uint,
    evidence: (buff 32),
    window: uint,
    challenger: principal,
    epoch: uint,
    seats: uint,
    guilty: uint,
    innocent: uint,
    deadline: uint,
    outcome: uint,
  }
)

;; Insert-only: no challenge is opened twice.
(define-map challenge-ids
  {
    accused: uint,
    ground: uint,
    window: uint,
    evidence: (buff 32),
  }
  uint
)

;; Insert-only: true is guilty.
(define-map challenge-votes
  {
    id: uint,
    owner: principal,
  }
  bool
)

;; Invariant: paid = refunded + burned + what open challenges hold here.
(define-data-var bonds {
  paid: uint,
  refunded: uint,
  burned: uint,
} {
  paid: u0,
  refunded: u0,
  burned: u0,
})

;;;; Read-only

;; Who showed this double vote, if it is punished.
(define-read-only (get-double-vote
    (operator uint)
    (height uint)
    (round uint)
    (phase uint)
  )
  (map-get? double-votes {
    operator: operator,
    height: height,
    round: round,
    phase: phase,
  })
)

;; Why, by whom and when an attestation was shown to be false.
(define-read-only (get-judgement
    (window uint)
    (revision uint)
  )
  (map-get? judgements {
    window: window,
    revision: revision,
  })
)

(define-read-only (get-tally
    (window uint)
    (revision uint)
    (zone uint)
  )
  (map-get? tallies {
    window: window,
    revision: revision,
    zone: zone,
  })
)

(define-read-only (get-challenge (id uint))
  (map-get? challenges id)
)

(define-read-only (get-challenge-of
    (accused uint)
    (ground uint)
    (window uint)
    (evidence (buff 32))
  )
  (map-get? challenge-ids {
    accused: accused,
    ground: ground,
    window: window,
    evidence: evidence,
  })
)

(define-read-only (get-challenge-vote
    (id uint)
    (owner principal)
  )
  (map-get? challenge-votes {
    id: id,
    owner: owner,
  })
)

(define-read-only (get-challenge-count)
  (var-get challenge-count)
)

;; Bonds in, bonds back, bonds burned and what is held for open challenges, in microSTX.
(define-read-only (get-bonds)
  (let ((sums (var-get bonds)))
    (merge sums { held: (- (get paid sums) (get refunded sums) (get burned sums)) })
  )
)

(define-read-only (get-parameters)
  {
    bounty-bps: BOUNTY_BPS,
    double-vote-bps: DOUBLE_VOTE_BPS,
    false-leaf-bps: FALSE_LEAF_BPS,
    false-sum-bps: FALSE_SUM_BPS,
    challenge-bps: CHALLENGE_BPS,
    dispute-s: DISPUTE_S,
    bond-ustx: BOND_USTX,
    voting-s: VOTING_S,
    resolve-s: RESOLVE_S,
  }
)

;; True if the leaf does not follow from this OCMF record, false if it may, or the error
;; that the record is another or not understood.
;; Every "RV", "RI" and "RU" of it must stand in a reading `"RV":n,"RI":"..","RU":".."` of
;; a total register in kWh or Wh; without a backslash a key has one spelling, and without
;; a stray key no reading inherits from two. So the values met are all the values there
;; are. Of a direction that the record reads, the leaf has one of them; where another
;; direction is read too, the last reading may lack this one, and then the leaf has no
;; energy of it, as it has none of a direction that is not read at all.
(define-read-only (judge-record
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (record (buff 1024))
  )
  (begin
    (asserts! (is-eq (sha256 record) (get record leaf)) ERR_OTHER_RECORD)
    (judge-ocmf leaf record)
  )
)

;; The same of a gateway's batch: false if one of its items for the usage point may be
;; where the leaf comes from. A register item has both registers and stands in the
;; window of its time; an OCMF item is judged as a record is. A leaf of a usage point
;; that the batch does not speak of follows from nothing.
(define-read-only (judge-batch
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (batch {
      topic: (string-ascii 16),
      gateway: uint,
      sequence: uint,
      items: (list 24 {
        usage-point: uint,
        time-s: uint,
        format: (string-ascii 16),
        data: (buff 1088),
      }),
      signature: (buff 64),
    })
  )
  (begin
    (asserts!
      (is-eq (sha256 (unwrap! (to-consensus-buff? batch) ERR_ENCODING)) (get record leaf))
      ERR_OTHER_RECORD
    )
    (asserts! (is-eq (get topic batch) "wattest-batch") ERR_UNSUPPORTED)
    (ok (get false-leaf
      (try! (fold judge-item (get items batch)
        (ok {
          leaf: leaf,
          end: (+ (get window leaf) (contract-call? .oracle-staking get-window-length)),
          false-leaf: true,
        })
      ))
    ))
  )
)

;;;; Public: provable offences

;; E1: two votes of one key for one (height, round, phase) with different digests. Slashes
;; the operator whose key it is or was.
(define-public (submit-double-vote
    (height uint)
    (round uint)
    (phase uint)
    (first {
      epoch: uint,
      digest: (optional (buff 32)),
      signature: (buff 65),
    })
    (second {
      epoch: uint,
      digest: (optional (buff 32)),
      signature: (buff 65),
    })
  )
  (let (
      (network (unwrap! (contract-call? .production-oracle get-network) ERR_NO_NETWORK))
      (key (begin
        (asserts! (not (is-eq (get digest first) (get digest second))) ERR_SAME_VOTE)
        (try! (voter network height round phase first))
      ))
      (operator (begin
        (asserts! (is-eq (try! (voter network height round phase second)) key) ERR_OTHER_KEY)
        (unwrap! (contract-call? .oracle-staking get-operator-of-key key) ERR_NOT_OPERATOR)
      ))
    )
    (asserts!
      (map-insert double-votes {
        operator: operator,
        height: height,
        round: round,
        phase: phase,
      } contract-caller)
      ERR_JUDGED
    )
    (let ((taken (try! (punish (list operator) DOUBLE_VOTE_BPS contract-caller))))
      (print (merge taken {
        topic: "double-vote",
        operator: operator,
        height: height,
        round: round,
        phase: phase,
        first: first,
        second: second,
        by: contract-caller,
      }))
      (ok (merge taken { operator: operator }))
    )
  )
)

;; E2: a leaf that does not follow from the bare OCMF record it names. Slashes every
;; signer of the attestation.
(define-public (submit-false-leaf
    (window uint)
    (revision uint)
    (zone uint)
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (index uint)
    (siblings (list 24 (buff 32)))
    (record (buff 1024))
  )
  (let ((found (try! (attested-leaf window revision zone leaf index siblings))))
    (asserts! (try! (judge-record leaf record)) ERR_NOT_FALSE)
    (condemn window revision found FALSE_LEAF FALSE_LEAF_BPS)
  )
)

;; E2 of a leaf that names a gateway's batch.
(define-public (submit-false-batch-leaf
    (window uint)
    (revision uint)
    (zone uint)
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (index uint)
    (siblings (list 24 (buff 32)))
    (batch {
      topic: (string-ascii 16),
      gateway: uint,
      sequence: uint,
      items: (list 24 {
        usage-point: uint,
        time-s: uint,
        format: (string-ascii 16),
        data: (buff 1088),
      }),
      signature: (buff 64),
    })
  )
  (let ((found (try! (attested-leaf window revision zone leaf index siblings))))
    (asserts! (try! (judge-batch leaf batch)) ERR_NOT_FALSE)
    (condemn window revision found FALSE_LEAF FALSE_LEAF_BPS)
  )
)

;; E3: a leaf whose energy is not the difference of two attested registers, its own and
;; those of the leaf at `since`. Where a register fell it may have rolled over at a
;; maximum that only the record tells: then energy is at least the new register, and at
;; most what the largest maximum leaves. A leaf that begins at its own window has none.
(define-public (submit-false-energy
    (window uint)
    (revision uint)
    (zone uint)
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (index uint)
    (siblings (list 24 (buff 32)))
    (since-zone uint)
    (since (optional {
      leaf: {
        usage-point: uint,
        window: uint,
        import-register: uint,
        export-register: uint,
        import-wh: uint,
        export-wh: uint,
        since: uint,
        quality: uint,
        assurance: uint,
        record: (buff 32),
      },
      index: uint,
      siblings: (list 24 (buff 32)),
    }))
  )
  (let (
      (found (try! (attested-leaf window revision zone leaf index siblings)))
      (from (get since leaf))
    )
    (asserts!
      (if (or (>= from window) (not (is-eq (get window leaf) window)))
        (or
          (> from window)
          (not (is-eq (get window leaf) window))
          (> (get import-wh leaf) u0)
          (> (get export-wh leaf) u0)
        )
        (let (
            (earlier (unwrap! since ERR_SINCE))
            (before (get leaf earlier))
          )
          (asserts! (is-eq (get usage-point before) (get usage-point leaf)) ERR_SINCE)
          (asserts! (is-eq (get window before) from) ERR_SINCE)
          (try! (proven-leaf from u0 since-zone before (get index earlier)
            (get siblings earlier)
          ))
          (or
            (is-false-difference (get import-register before) (get import-register leaf)
              (get import-wh leaf)
            )
            (is-false-difference (get export-register before) (get export-register leaf)
              (get export-wh leaf)
            )
          )
        )
      )
      ERR_NOT_FALSE
    )
    (condemn window revision found FALSE_SUM FALSE_SUM_BPS)
  )
)

;; Adds up the next leaves of an open zone, in their order. Only proven leaves count, so
;; it is no matter who brings them, nor in how many calls.
(define-public (tally-zone
    (window uint)
    (revision uint)
    (zone uint)
    (leaves (list 25 {
      leaf: {
        usage-point: uint,
        window: uint,
        import-register: uint,
        export-register: uint,
        import-wh: uint,
        export-wh: uint,
        since: uint,
        quality: uint,
        assurance: uint,
        record: (buff 32),
      },
      siblings: (list 24 (buff 32)),
    }))
  )
  (let (
      (opened (unwrap! (contract-call? .production-oracle get-zone window revision zone)
        ERR_ZONE_CLOSED
      ))
      (before (tally-of window revision zone))
      (after (begin
        (asserts! (> (len leaves) u0) ERR_TALLY)
        (asserts! (<= (+ (get counted before) (len leaves)) (get leaf-count opened)) ERR_TALLY)
        (try! (fold tally-leaf leaves
          (ok (merge before {
            root: (get root opened),
            leaf-count: (get leaf-count opened),
          }))
        ))
      ))
      (tally {
        counted: (get counted after),
        import-wh: (get import-wh after),
        export-wh: (get export-wh after),
      })
    )
    (map-set tallies {
      window: window,
      revision: revision,
      zone: zone,
    } tally)
    (print (merge tally {
      topic: "zone-tallied",
      window: window,
      revision: revision,
      zone: zone,
    }))
    (ok (get counted tally))
  )
)

;; E3: a zone whose totals are not those of its leaves, all of which are tallied.
(define-public (submit-false-zone
    (window uint)
    (revision uint)
    (zone uint)
  )
  (let (
      (found (try! (attested window revision)))
      (opened (unwrap! (contract-call? .production-oracle get-zone window revision zone)
        ERR_ZONE_CLOSED
      ))
      (tally (tally-of window revision zone))
    )
    (asserts! (is-eq (get counted tally) (get leaf-count opened)) ERR_TALLY)
    (asserts!
      (not (and
        (is-eq (get import-wh tally) (get import-wh opened))
        (is-eq (get export-wh tally) (get export-wh opened))
      ))
      ERR_NOT_FALSE
    )
    (condemn window revision found FALSE_SUM FALSE_SUM_BPS)
  )
)

;; E3: a window whose totals are not those of its zones, all of which are open.
(define-public (submit-false-window
    (window uint)
    (revision uint)
    (zones (list 64 uint))
  )
  (let (
      (found (try! (attested window revision)))
      (summary (get summary found))
      (sums (begin
        (asserts! (is-eq (len zones) (get zone-count summary)) ERR_ZONES)
        (try! (fold add-zone zones
          (ok {
            window: window,
            revision: revision,
            last: none,
            leaf-count: u0,
            import-wh: u0,
            export-wh: u0,
          })
        ))
      ))
    )
    (asserts!
      (not (and
        (is-eq (get leaf-count sums) (get leaf-count summary))
        (is-eq (get import-wh sums) (get import-wh summary))
        (is-eq (get export-wh sums) (get export-wh summary))
      ))
      ERR_NOT_FALSE
    )
    (condemn window revision found FALSE_SUM FALSE_SUM_BPS)
  )
)

;;;; Public: bonded challenges (E5)

;; Accuses an operator of what no contract can decide, with a bond. `evidence` is the
;; sha256 of the file that voters judge. The accused's bond is held until the vote is over.
(define-public (open-challenge
    (accused uint)
    (ground uint)
    (evidence (buff 32))
    (window uint)
  )
  (let (
      (challenger contract-caller)
      (id (+ (var-get challenge-count) u1))
      (deadline (+ stacks-block-time VOTING_S))
      (epoch (begin
        (asserts! (and (> ground u0) (<= ground GROUND_MAX)) ERR_GROUND)
        (asserts! (is-eq (len evidence) u32) ERR_EVIDENCE)
        (contract-call? .oracle-staking get-current-epoch)
      ))
      (members (get operators
        (unwrap! (contract-call? .oracle-staking get-epoch epoch) ERR_NO_NETWORK)
      ))
      (owner (get owner
        (unwrap! (contract-call? .oracle-staking get-operator accused) ERR_NOT_OPERATOR)
      ))
      (seats (- (len members) (contract-call? .oracle-staking get-seats epoch owner)))
      (sums (var-get bonds))
    )
    (asserts! (> seats u0) ERR_NOT_VOTER)
    (asserts!
      (map-insert challenge-ids {
        accused: accused,
        ground: ground,
        window: window,
        evidence: evidence,
      } id)
      ERR_KNOWN
    )
    (unwrap! (stx-transfer? BOND_USTX challenger current-contract) ERR_TRANSFER)
    (try! (contract-call? .oracle-staking hold accused (+ deadline RESOLVE_S)))
    (map-insert challenges id {
      accused: accused,
      owner: owner,
      ground: ground,
      evidence: evidence,
      window: window,
      challenger: challenger,
      epoch: epoch,
      seats: seats,
      guilty: u0,
      innocent: u0,
      deadline: deadline,
      outcome: OPEN,
    })
    (var-set challenge-count id)
    (var-set bonds (merge sums { paid: (+ (get paid sums) BOND_USTX) }))
    (print {
      topic: "challenge-opened",
      id: id,
      accused: accused,
      ground: ground,
      evidence: evidence,
      window: window,
      challenger: challenger,
      epoch: epoch,
      seats: seats,
      bond: BOND_USTX,
      deadline: deadline,
    })
    (ok id)
  )
)

;; The vote of an owner, for all its members of the challenge's epoch. The owner of the
;; accused has none. Gives the seats it counted for.
(define-public (vote-challenge
    (id uint)
    (guilty bool)
  )
  (let (
      (challenge (unwrap! (map-get? challenges id) ERR_UNKNOWN_CHALLENGE))
      (seats (begin
        (asserts! (is-eq (get outcome challenge) OPEN) ERR_RESOLVED)
        (asserts! (<= stacks-block-time (get deadline challenge)) ERR_VOTING_OVER)
        (asserts! (not (is-eq contract-caller (get owner challenge))) ERR_NOT_VOTER)
        (contract-call? .oracle-staking get-seats (get epoch challenge) contract-caller)
      ))
    )
    (asserts! (> seats u0) ERR_NOT_VOTER)
    (asserts!
      (map-insert challenge-votes {
        id: id,
        owner: contract-caller,
      } guilty)
      ERR_VOTED
    )
    (map-set challenges id
      (if guilty
        (merge challenge { guilty: (+ (get guilty challenge) seats) })
        (merge challenge { innocent: (+ (get innocent challenge) seats) })
      )
    )
    (print {
      topic: "challenge-voted",
      id: id,
      owner: contract-caller,
      guilty: guilty,
      seats: seats,
    })
    (ok seats)
  )
)

;; Ends a challenge: guilty or acquitted by more than half of all seats, of which more
;; than the faulty third is needed, so that f liars convict nobody; undecided without.
(define-public (resolve-challenge (id uint))
  (let (
      (challenge (unwrap! (map-get? challenges id) ERR_UNKNOWN_CHALLENGE))
      (challenger (get challenger challenge))
      (outcome (begin
        (asserts! (is-eq (get outcome challenge) OPEN) ERR_RESOLVED)
        (outcome-of (get seats challenge) (get guilty challenge) (get innocent challenge))
      ))
      (sums (var-get bonds))
    )
    (asserts!
      (or
        (not (is-eq outcome UNDECIDED))
        (> stacks-block-time (get deadline challenge))
      )
      ERR_VOTING_OPEN
    )
    (map-set challenges id (merge challenge { outcome: outcome }))
    (var-set bonds
      (if (is-eq outcome ACQUITTED)
        (merge sums { burned: (+ (get burned sums) BOND_USTX) })
        (merge sums { refunded: (+ (get refunded sums) BOND_USTX) })
      )
    )
    (try! (if (is-eq outcome ACQUITTED)
      (burn-bond)
      (refund-bond challenger)
    ))
    (let (
        (taken (if (is-eq outcome GUILTY)
          (try! (punish (list (get accused challenge)) CHALLENGE_BPS challenger))
          {
            slashed: u0,
            bounty: u0,
            burned: u0,
          }
        ))
        (ended (merge taken { outcome: outcome }))
      )
      (print (merge ended {
        topic: "challenge-resolved",
        id: id,
        accused: (get accused challenge),
        ground: (get ground challenge),
        challenger: challenger,
        bond: BOND_USTX,
        guilty: (get guilty challenge),
        innocent: (get innocent challenge),
        seats: (get seats challenge),
      }))
      (ok ended)
    )
  )
)

;;;; Private: attestations

;; An attestation that can still be judged.
(define-private (attested
    (window uint)
    (revision uint)
  )
  (let (
      (found (unwrap! (contract-call? .production-oracle get-attestation window revision)
        ERR_NOT_ATTESTED
      ))
      (summary (unwrap! (get summary found) ERR_NOT_ATTESTED))
    )
    (asserts! (<= stacks-block-time (+ (get attested-at found) DISPUTE_S)) ERR_TOO_LATE)
    (asserts! (is-none (get-judgement window revision)) ERR_JUDGED)
    (ok {
      epoch: (get epoch found),
      signers: (get signers found),
      summary: summary,
    })
  )
)

;; An attestation that can still be judged, and holds this leaf. Those who sign a
;; restatement carry on what was attested before, so it is no fault of theirs.
(define-private (attested-leaf
    (window uint)
    (revision uint)
    (zone uint)
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (index uint)
    (siblings (list 24 (buff 32)))
  )
  (let ((found (try! (attested window revision))))
    (asserts! (is-eq revision u0) ERR_RESTATED)
    (try! (proven-leaf window revision zone leaf index siblings))
    (ok found)
  )
)

(define-private (proven-leaf
    (window uint)
    (revision uint)
    (zone uint)
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (index uint)
    (siblings (list 24 (buff 32)))
  )
  (let ((opened (unwrap! (contract-call? .production-oracle get-zone window revision zone)
      ERR_ZONE_CLOSED
    )))
    (ok (asserts!
      (verify-merkle-proof (sha256 (sha256 (unwrap! (to-consensus-buff? leaf) ERR_ENCODING)))
        (get root opened) index (get leaf-count opened) siblings
      )
      ERR_NOT_PROVEN
    ))
  )
)

;; Judges an attestation, once: its signers lose a share of their bonds.
(define-private (condemn
    (window uint)
    (revision uint)
    (found {
      epoch: uint,
      signers: (list 31 bool),
      summary: {
        window: uint,
        revision: uint,
        registry: (buff 32),
        root: (buff 32),
        zone-count: uint,
        leaf-count: uint,
        import-wh: uint,
        export-wh: uint,
        quality: uint,
        counts: {
          validated: uint,
          derived: uint,
          estimated: uint,
          questionable: uint,
          meter-signed: uint,
          gateway-signed: uint,
          witnessed: uint,
        },
      },
    })
    (ground uint)
    (share-bps uint)
  )
  (let (
      (members (unwrap! (contract-call? .oracle-staking get-epoch (get epoch found))
        ERR_NO_NETWORK
      ))
      (guilty (filter is-guilty (map if-signed (get operators members) (get signers found))))
      (taken (try! (punish guilty share-bps contract-caller)))
    )
    (map-insert judgements {
      window: window,
      revision: revision,
    } {
      ground: ground,
      by: contract-caller,
      at: stacks-block-time,
    })
    (print (merge taken {
      topic: "attestation-judged",
      window: window,
      revision: revision,
      ground: ground,
      operators: guilty,
      by: contract-caller,
    }))
    (ok (merge taken { operators: guilty }))
  )
)

(define-private (if-signed
    (operator uint)
    (signed bool)
  )
  (if signed
    operator
    u0
  )
)

(define-private (is-guilty (operator uint))
  (> operator u0)
)

(define-private (punish
    (guilty (list 31 uint))
    (share-bps uint)
    (recipient principal)
  )
  (contract-call? .oracle-staking slash guilty share-bps BOUNTY_BPS recipient)
)

;;;; Private: votes

;; Whose key signed this vote (A6).
(define-private (voter
    (network (buff 32))
    (height uint)
    (round uint)
    (phase uint)
    (vote {
      epoch: uint,
      digest: (optional (buff 32)),
      signature: (buff 65),
    })
  )
  (ok (unwrap!
    (secp256k1-recover?
      (sha256 (unwrap!
        (to-consensus-buff? {
          topic: "vote",
          network: network,
          epoch: (get epoch vote),
          height: height,
          round: round,
          phase: phase,
          digest: (get digest vote),
        })
        ERR_ENCODING
      ))
      (get signature vote)
    )
    ERR_SIGNATURE
  ))
)

;;;; Private: records

(define-private (judge-ocmf
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (record (buff 1024))
  )
  (let ((scan (begin
      (asserts! (is-eq (slice? record u0 u5) (some OCMF_HEADER)) ERR_UNSUPPORTED)
      (asserts! (is-none (index-of? record 0x5c)) ERR_UNSUPPORTED)
      (fold read-key STEPS {
        rest: record,
        import: (get import-register leaf),
        export: (get export-register leaf),
        reads-import: false,
        reads-export: false,
        has-import: false,
        has-export: false,
      })
    )))
    (asserts! (is-eq (get rest scan) 0x) ERR_UNSUPPORTED)
    (asserts! (or (get reads-import scan) (get reads-export scan)) ERR_UNSUPPORTED)
    (ok (not (and
      (or
        (get has-import scan)
        (and
          (is-eq (get import-wh leaf) u0)
          (or (not (get reads-import scan)) (get reads-export scan))
        )
      )
      (or
        (get has-export scan)
        (and
          (is-eq (get export-wh leaf) u0)
          (or (not (get reads-export scan)) (get reads-import scan))
        )
      )
    )))
  )
)

;; Goes on to the next letter R. One that opens no key of a reading is passed over, and a
;; reading is noted and passed over whole; anything else stays, and the scan ends there.
(define-private (read-key
    (step uint)
    (scan {
      rest: (buff 1024),
      import: uint,
      export: uint,
      reads-import: bool,
      reads-export: bool,
      has-import: bool,
      has-export: bool,
    })
  )
  (let ((rest (get rest scan)))
    (match (index-of? rest 0x52)
      at (let (
          (size (len rest))
          (after (+ at u3))
          (key (if (is-eq at u0)
            none
            (slice? rest (- at u1) after)
          ))
        )
        (if (is-eq key (some KEY_RV))
          (match (read-reading (default-to 0x
            (as-max-len? (default-to 0x (slice? rest after (smaller size (+ after u80)))) u80)
          ))
            reading (let (
                (wh (get wh reading))
                (import (is-some (index-of? IMPORTS (get register reading))))
                (export (is-some (index-of? EXPORTS (get register reading))))
              )
              (if (or import export)
                (merge scan {
                  rest: (default-to 0x (slice? rest (+ after (get size reading)) size)),
                  reads-import: (or import (get reads-import scan)),
                  reads-export: (or export (get reads-export scan)),
                  has-import: (or (and import (is-eq wh (get import scan))) (get has-import scan)),
                  has-export: (or (and export (is-eq wh (get export scan))) (get has-export scan)),
                })
                scan
              )
            )
            error
            scan
          )
          (if (or (is-eq key (some KEY_RI)) (is-eq key (some KEY_RU)))
            scan
            (merge scan { rest: (default-to 0x (slice? rest (+ at u1) size)) })
          )
        )
      )
      (if (is-eq rest 0x)
        scan
        (merge scan { rest: 0x })
      )
    )
  )
)

;; Reads `:n,"RI":"..","RU":"..":`, the bytes after a key "RV": the register's name, its
;; floored Wh, and how many bytes that were.
(define-private (read-reading (text (buff 80)))
  (let (
      (comma (unwrap! (index-of? text 0x2c) ERR_UNSUPPORTED))
      (name-at (+ comma u7))
      (name-text (unwrap! (slice? text name-at (len text)) ERR_UNSUPPORTED))
      (name-len (unwrap! (index-of? name-text 0x22) ERR_UNSUPPORTED))
      (unit-at (+ name-at name-len u8))
      (unit-text (unwrap! (slice? text unit-at (len text)) ERR_UNSUPPORTED))
      (unit-len (unwrap! (index-of? unit-text 0x22) ERR_UNSUPPORTED))
      (unit (slice? unit-text u0 unit-len))
      (is-kwh (is-eq unit (some KWH)))
    )
    (asserts! (is-eq (element-at? text u0) (some 0x3a)) ERR_UNSUPPORTED)
    (asserts! (is-eq (slice? text comma name-at) (some UNTIL_RI)) ERR_UNSUPPORTED)
    (asserts! (is-eq (slice? text (+ name-at name-len) unit-at) (some UNTIL_RU))
      ERR_UNSUPPORTED
    )
    (asserts! (or is-kwh (is-eq unit (some WH))) ERR_UNSUPPORTED)
    (ok {
      register: (unwrap!
        (as-max-len? (unwrap! (slice? name-text u0 name-len) ERR_UNSUPPORTED) u17)
        ERR_UNSUPPORTED
      ),
      wh: (try! (read-wh
        (unwrap! (as-max-len? (unwrap! (slice? text u1 comma) ERR_UNSUPPORTED) u30)
          ERR_UNSUPPORTED
        )
        is-kwh
      )),
      size: (+ unit-at unit-len u1),
    })
  )
)

;; A plain decimal number of Wh or kWh, floored to Wh.
(define-private (read-wh
    (number (buff 30))
    (is-kwh bool)
  )
  (match (index-of? number 0x2e)
    point (let (
        (whole (try! (read-digits (unwrap! (slice? number u0 point) ERR_UNSUPPORTED))))
        (fraction (unwrap! (slice? number (+ point u1) (len number)) ERR_UNSUPPORTED))
      )
      ;; All digits count, so that no exponent hides behind those that are used.
      (try! (read-digits fraction))
      (ok (if is-kwh
        (+ (* whole u1000)
          (try! (read-digits (unwrap!
            (as-max-len? (default-to 0x (slice? (concat fraction 0x303030) u0 u3)) u30)
            ERR_UNSUPPORTED
          )))
        )
        whole
      ))
    )
    (let ((whole (try! (read-digits number))))
      (ok (if is-kwh
        (* whole u1000)
        whole
      ))
    )
  )
)

(define-private (read-digits (digits (buff 30)))
  (ok (unwrap!
    (string-to-uint? (unwrap!
      (from-consensus-buff? (string-ascii 30)
        (concat ASCII (unwrap! (element-at? LENGTHS (len digits)) ERR_UNSUPPORTED) digits)
      )
      ERR_UNSUPPORTED
    ))
    ERR_UNSUPPORTED
  ))
)

(define-private (judge-item
    (item {
      usage-point: uint,
      time-s: uint,
      format: (string-ascii 16),
      data: (buff 1088),
    })
    (judged (response {
      leaf: {
        usage-point: uint,
        window: uint,
        import-register: uint,
        export-register: uint,
        import-wh: uint,
        export-wh: uint,
        since: uint,
        quality: uint,
        assurance: uint,
        record: (buff 32),
      },
      end: uint,
      false-leaf: bool,
    } uint))
  )
  (let (
      (so-far (try! judged))
      (leaf (get leaf so-far))
    )
    (if (is-eq (get usage-point item) (get usage-point leaf))
      (ok (merge so-far { false-leaf: (and
        (if (is-eq (get format item) "register")
          (try! (judge-register leaf (get end so-far) (get time-s item) (get data item)))
          (begin
            (asserts! (is-eq (get format item) "ocmf") ERR_UNSUPPORTED)
            (try! (judge-ocmf leaf
              (unwrap! (as-max-len? (get data item) u1024) ERR_UNSUPPORTED)
            ))
          )
        )
        (get false-leaf so-far)
      ) }))
      judged
    )
  )
)

(define-private (judge-register
    (leaf {
      usage-point: uint,
      window: uint,
      import-register: uint,
      export-register: uint,
      import-wh: uint,
      export-wh: uint,
      since: uint,
      quality: uint,
      assurance: uint,
      record: (buff 32),
    })
    (end uint)
    (time-s uint)
    (data (buff 1088))
  )
  (let ((read (unwrap!
      (from-consensus-buff? {
        import-register: uint,
        export-register: uint,
      } data)
      ERR_UNSUPPORTED
    )))
    (asserts! (is-eq (to-consensus-buff? read) (some data)) ERR_UNSUPPORTED)
    (ok (not (and
      (is-eq (get import-register read) (get import-register leaf))
      (is-eq (get export-register read) (get export-register leaf))
      (> time-s (get window leaf))
      (<= time-s end)
    )))
  )
)

;;;; Private: sums

;; True if no meter that goes from one register to the other has used this energy.
(define-private (is-false-difference
    (before uint)
    (after uint)
    (energy uint)
  )
  (if (>= after before)
    (not (is-eq energy (- after before)))
    (or (< energy after) (> energy (- (+ REGISTER_MAX after) (smaller before REGISTER_MAX))))
  )
)

(define-private (tally-of
    (window uint)
    (revision uint)
    (zone uint)
  )
  (default-to {
    counted: u0,
    import-wh: u0,
    export-wh: u0,
  }
    (get-tally window revision zone)
  )
)

(define-private (tally-leaf
    (next {
      leaf: {
        usage-point: uint,
        window: uint,
        import-register: uint,
        export-register: uint,
        import-wh: uint,
        export-wh: uint,
        since: uint,
        quality: uint,
        assurance: uint,
        record: (buff 32),
      },
      siblings: (list 24 (buff 32)),
    })
    (sums (response {
      counted: uint,
      import-wh: uint,
      export-wh: uint,
      root: (buff 32),
      leaf-count: uint,
    } uint))
  )
  (let (
      (so-far (try! sums))
      (leaf (get leaf next))
    )
    (asserts!
      (verify-merkle-proof (sha256 (sha256 (unwrap! (to-consensus-buff? leaf) ERR_ENCODING)))
        (get root so-far) (get counted so-far) (get leaf-count so-far) (get siblings next)
      )
      ERR_NOT_PROVEN
    )
    (ok (merge so-far {
      counted: (+ (get counted so-far) u1),
      import-wh: (+ (get import-wh so-far) (get import-wh leaf)),
      export-wh: (+ (get export-wh so-far) (get export-wh leaf)),
    }))
  )
)

(define-private (add-zone
    (zone uint)
    (sums (response {
      window: uint,
      revision: uint,
      last: (optional uint),
      leaf-count: uint,
      import-wh: uint,
      export-wh: uint,
    } uint))
  )
  (let (
      (so-far (try! sums))
      (opened (unwrap!
        (contract-call? .production-oracle get-zone (get window so-far)
          (get revision so-far) zone
        )
        ERR_ZONE_CLOSED
      ))
    )
    (asserts!
      (match (get last so-far)
        last (> zone last)
        true
      )
      ERR_ZONES
    )
    (ok (merge so-far {
      last: (some zone),
      leaf-count: (+ (get leaf-count so-far) (get leaf-count opened)),
      import-wh: (+ (get import-wh so-far) (get import-wh opened)),
      export-wh: (+ (get export-wh so-far) (get export-wh opened)),
    }))
  )
)

(define-private (smaller
    (a uint)
    (b uint)
  )
  (if (< a b)
    a
    b
  )
)

;;;; Private: bonds

(define-private (outcome-of
    (seats uint)
    (guilty uint)
    (innocent uint)
  )
  (if (> (* u2 guilty) seats)
    GUILTY
    (if (> (* u2 innocent) seats)
      ACQUITTED
      UNDECIDED
    )
  )
)

(define-private (refund-bond (challenger principal))
  (ok (unwrap!
    (as-contract? ((with-stx BOND_USTX))
      (unwrap! (stx-transfer? BOND_USTX current-contract challenger) ERR_TRANSFER)
    )
    ERR_TRANSFER
  ))
)

(define-private (burn-bond)
  (ok (unwrap!
    (as-contract? ((with-stx BOND_USTX))
      (unwrap! (stx-burn? BOND_USTX current-contract) ERR_TRANSFER)
    )
    ERR_TRANSFER
  ))
)
