;; Title: production-oracle
;; Decides: which windows are attested. It rebuilds what the committee signed from
;;   typed arguments, checks the quorum certificate and stores the attestation; it
;;   opens zone summaries by Merkle proof. It parses no bytes and knows no stake.
;; Immutable: an attestation and an opened zone are inserted once, never changed; a
;;   restatement is a new revision beside the old one.
;; Who may call: anyone submits (the certificate is the authority) and anyone opens;
;;   only oracle-staking installs an epoch. The pause does not reach here: what a
;;   quorum has signed is history, and money stops in the contracts that move it.
;; No contract is called from here, so that a submission loads this one alone.

;;;; Constants

(define-constant ORACLE_STAKING .oracle-staking)
;; How long the previous epoch's certificates are still taken, in seconds.
(define-constant GRACE_S u86400)
;; Epochs are open until their successor is installed.
(define-constant OPEN_ENDED u340282366920938463463374607431768211455)
;; A window is restated at most this often.
(define-constant REVISION_MAX u15)
(define-constant REVISIONS (list u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 u13 u14 u15))
;; The vote phase that makes a certificate (A6).
(define-constant COMMIT u2)

;; The caller is not oracle-staking.
(define-constant ERR_NOT_STAKING (err u400))
;; No epoch of this number was ever in force.
(define-constant ERR_UNKNOWN_EPOCH (err u401))
;; The epoch is neither the current one nor the previous one within its grace.
(define-constant ERR_EPOCH_CLOSED (err u402))
;; A window starts at a multiple of the window length.
(define-constant ERR_WINDOW_UNALIGNED (err u403))
;; The list of signatures has not one slot for each member.
(define-constant ERR_SIGNATURE_SLOTS (err u404))
;; Fewer members than a quorum have signed this.
(define-constant ERR_NO_QUORUM (err u405))
;; This revision of the window is attested already.
(define-constant ERR_ALREADY_ATTESTED (err u406))
;; The revision before this one is not attested, or there are too many.
(define-constant ERR_REVISION_GAP (err u407))
;; No such attestation.
(define-constant ERR_NOT_ATTESTED (err u408))
;; The window was attested as void: it has no zones.
(define-constant ERR_VOID (err u409))
;; The zone summary is of another window.
(define-constant ERR_OTHER_WINDOW (err u410))
;; The proof does not lead from the zone summary to the attested root.
(define-constant ERR_NOT_PROVEN (err u411))
;; The zone is open already.
(define-constant ERR_ALREADY_OPEN (err u412))
;; Epochs are installed once each, in order.
(define-constant ERR_EPOCH_ORDER (err u413))
;; A value has no consensus bytes; no argument of these types can cause it.
(define-constant ERR_ENCODING (err u414))

;;;; Data

;; Invariants: `keys` are 4 to 31 distinct compressed points in slot order, and never
;; change; `accepted-until` only falls; `network` and `window-s` are the same in all.
;; Everything a submission needs stands in one entry, because reads are what binds.
(define-map epochs
  uint
  {
    network: (buff 32),
    window-s: uint,
    accepted-until: uint,
    keys: (list 31 (buff 33)),
  }
)

;; The epoch installed last; 0 before the first.
(define-data-var current-epoch uint u0)

;; Insert-only. `signers` is aligned with the keys of `epoch`; a slot is true if its
;; signature was valid. Either `summary` is there or the reason of a void is: nobody can
;; read a void as a window without energy.
(define-map attestations
  {
    window: uint,
    revision: uint,
  }
  {
    digest: (buff 32),
    height: uint,
    epoch: uint,
    signers: (list 31 bool),
    attested-at: uint,
    void: (optional uint),
    summary: (optional {
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
    }),
  }
)

;; Insert-only. Every entry was proven against the attestation of its window and revision.
(define-map zones
  {
    window: uint,
    revision: uint,
    zone: uint,
  }
  {
    root: (buff 32),
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
  }
)

;;;; Read-only

;; The network's identity (Q4), none before the first epoch.
(define-read-only (get-network)
  (get network (map-get? epochs u1))
)

(define-read-only (get-current-epoch)
  (var-get current-epoch)
)

;; The copy of an epoch that submissions are checked against.
(define-read-only (get-epoch-keys (epoch uint))
  (map-get? epochs epoch)
)

(define-read-only (get-attestation
    (window uint)
    (revision uint)
  )
  (map-get? attestations {
    window: window,
    revision: revision,
  })
)

(define-read-only (get-zone
    (window uint)
    (revision uint)
    (zone uint)
  )
  (map-get? zones {
    window: window,
    revision: revision,
    zone: zone,
  })
)

;; Who signed an attestation: the epoch, and a flag for each of its slots.
(define-read-only (get-signers
    (window uint)
    (revision uint)
  )
  (match (get-attestation window revision)
    attested (some {
      epoch: (get epoch attested),
      signers: (get signers attested),
    })
    none
  )
)

;; True if the revision is attested and not restated.
(define-read-only (is-latest
    (window uint)
    (revision uint)
  )
  (and
    (is-some (get-attestation window revision))
    (is-none (get-attestation window (+ revision u1)))
  )
)

;; The highest attested revision of a window; none if the window is not attested.
(define-read-only (get-latest-revision (window uint))
  (get latest
    (fold later-revision REVISIONS {
      window: window,
      latest: none,
    })
  )
)

;; Q1: a quorum of `members`, floor((n + f) / 2) + 1 with f = floor((n - 1) / 3).
(define-read-only (get-quorum (members uint))
  (+ (/ (+ members (/ (- members u1) u3)) u2) u1)
)

;; The signers of a quorum certificate over a log entry (A6), one flag for each key,
;; or the error that it is none. `signatures` is aligned with `keys`: 0x is an absent
;; vote, and a slot whose signature is not its key's counts as absent, so one valid
;; signature can stand for one member only, whatever its s or its order.
(define-read-only (check-certificate
    (network (buff 32))
    (epoch uint)
    (height uint)
    (round uint)
    (digest (buff 32))
    (keys (list 31 (buff 33)))
    (signatures (list 31 (buff 65)))
  )
  (let (
      (size (len keys))
      (vote (sha256 (unwrap!
        (to-consensus-buff? {
          topic: "vote",
          network: network,
          epoch: epoch,
          height: height,
          round: round,
          phase: COMMIT,
          digest: (some digest),
        })
        ERR_ENCODING
      )))
      (votes-4 (list vote vote vote vote))
    )
    (asserts! (is-eq (len signatures) size) ERR_SIGNATURE_SLOTS)
    (let (
        ;; `map` stops at the shortest list: 32 votes serve every size of committee.
        (signers (map has-signed signatures keys
          (concat votes-4 votes-4 votes-4 votes-4 votes-4 votes-4 votes-4 votes-4)
        ))
      )
      (asserts! (>= (- size (len (filter not signers))) (get-quorum size))
        ERR_NO_QUORUM
      )
      (ok signers)
    )
  )
)

;;;; Public

;; Attests a window: the entry of kind "window" at `height`, with its certificate.
;; `bls-signature` is the committee's threshold signature on the entry's digest; it is
;; kept in the event only, and not checked here.
(define-public (submit-window
    (height uint)
    (previous (buff 32))
    (summary {
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
    })
    (epoch uint)
    (round uint)
    (signatures (list 31 (buff 65)))
    (bls-signature (buff 48))
  )
  (let (
      (members (unwrap! (map-get? epochs epoch) ERR_UNKNOWN_EPOCH))
      (now stacks-block-time)
      (network (get network members))
      (window (get window summary))
      (revision (get revision summary))
      (digest (sha256 (unwrap!
        (to-consensus-buff? {
          network: network,
          height: height,
          previous: previous,
          kind: "window",
          body: summary,
        })
        ERR_ENCODING
      )))
      (signers (try! (check-certificate network epoch height round digest (get keys members)
        signatures
      )))
    )
    (asserts! (<= now (get accepted-until members)) ERR_EPOCH_CLOSED)
    (asserts! (is-eq (mod window (get window-s members)) u0) ERR_WINDOW_UNALIGNED)
    (asserts! (or (is-eq revision u0) (follows window revision)) ERR_REVISION_GAP)
    (asserts!
      (map-insert attestations {
        window: window,
        revision: revision,
      } {
        digest: digest,
        height: height,
        epoch: epoch,
        signers: signers,
        attested-at: now,
        void: none,
        summary: (some summary),
      })
      ERR_ALREADY_ATTESTED
    )
    (print {
      topic: "window-attested",
      height: height,
      previous: previous,
      summary: summary,
      epoch: epoch,
      round: round,
      digest: digest,
      signers: signers,
      bls-signature: bls-signature,
    })
    (ok digest)
  )
)

;; Attests that a window could not be agreed (A7): the entry of kind "void" at `height`. A void
;; may speak of `count` windows in a row, after an outage of everybody; it stands under the first.
(define-public (submit-void
    (height uint)
    (previous (buff 32))
    (void {
      window: uint,
      revision: uint,
      reason: uint,
      count: uint,
    })
    (epoch uint)
    (round uint)
    (signatures (list 31 (buff 65)))
    (bls-signature (buff 48))
  )
  (let (
      (members (unwrap! (map-get? epochs epoch) ERR_UNKNOWN_EPOCH))
      (now stacks-block-time)
      (network (get network members))
      (window (get window void))
      (revision (get revision void))
      (digest (sha256 (unwrap!
        (to-consensus-buff? {
          network: network,
          height: height,
          previous: previous,
          kind: "void",
          body: void,
        })
        ERR_ENCODING
      )))
      (signers (try! (check-certificate network epoch height round digest (get keys members)
        signatures
      )))
    )
    (asserts! (<= now (get accepted-until members)) ERR_EPOCH_CLOSED)
    (asserts! (is-eq (mod window (get window-s members)) u0) ERR_WINDOW_UNALIGNED)
    (asserts! (or (is-eq revision u0) (follows window revision)) ERR_REVISION_GAP)
    (asserts!
      (map-insert attestations {
        window: window,
        revision: revision,
      } {
        digest: digest,
        height: height,
        epoch: epoch,
        signers: signers,
        attested-at: now,
        void: (some (get reason void)),
        summary: none,
      })
      ERR_ALREADY_ATTESTED
    )
    (print {
      topic: "window-voided",
      height: height,
      previous: previous,
      void: void,
      epoch: epoch,
      round: round,
      digest: digest,
      signers: signers,
      bls-signature: bls-signature,
    })
    (ok digest)
  )
)

;; Opens one zone of an attested window: `index` is its place among the zones sorted
;; by id, `siblings` the path from leaf to root (R6).
(define-public (open-zone
    (window uint)
    (revision uint)
    (summary {
      zone: uint,
      window: uint,
      root: (buff 32),
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
    })
    (index uint)
    (siblings (list 24 (buff 32)))
  )
  (let (
      (entry (unwrap! (get-attestation window revision) ERR_NOT_ATTESTED))
      (attested (unwrap! (get summary entry) ERR_VOID))
    )
    (asserts! (is-eq (get window summary) window) ERR_OTHER_WINDOW)
    (asserts!
      (verify-merkle-proof
        (sha256 (sha256 (unwrap! (to-consensus-buff? summary) ERR_ENCODING)))
        (get root attested) index (get zone-count attested) siblings
      )
      ERR_NOT_PROVEN
    )
    (asserts!
      (map-insert zones {
        window: window,
        revision: revision,
        zone: (get zone summary),
      } {
        root: (get root summary),
        leaf-count: (get leaf-count summary),
        import-wh: (get import-wh summary),
        export-wh: (get export-wh summary),
        quality: (get quality summary),
        counts: (get counts summary),
      })
      ERR_ALREADY_OPEN
    )
    (print {
      topic: "zone-opened",
      window: window,
      revision: revision,
      summary: summary,
    })
    (ok true)
  )
)

;; Puts an epoch in force: its own copy of the keys, the previous epoch's last day,
;; and the end of the one before. Called by oracle-staking's activate-epoch only.
(define-public (install-epoch
    (epoch uint)
    (network (buff 32))
    (window-s uint)
    (keys (list 31 (buff 33)))
  )
  (begin
    (asserts! (is-eq contract-caller ORACLE_STAKING) ERR_NOT_STAKING)
    (asserts! (is-eq epoch (+ (var-get current-epoch) u1)) ERR_EPOCH_ORDER)
    (map-insert epochs epoch {
      network: network,
      window-s: window-s,
      accepted-until: OPEN_ENDED,
      keys: keys,
    })
    (close-epoch (- epoch u1) (+ stacks-block-time GRACE_S))
    (and (> epoch u1) (close-epoch (- epoch u2) u0))
    (var-set current-epoch epoch)
    (print {
      topic: "epoch-installed",
      epoch: epoch,
      network: network,
      window-s: window-s,
      keys: keys,
    })
    (ok true)
  )
)

;;;; Private

;; A slot is signed if it holds 65 bytes that are its key's signature on the vote. The
;; key is known from the slot, so verifying says what recovering and comparing would,
;; for less; the recovery byte is of no account.
(define-private (has-signed
    (signature (buff 65))
    (key (buff 33))
    (vote (buff 32))
  )
  (and
    (is-eq (len signature) u65)
    (secp256k1-verify vote signature key)
  )
)

;; True if the revision before this one is attested (A8).
(define-private (follows
    (window uint)
    (revision uint)
  )
  (and
    (<= revision REVISION_MAX)
    (is-some (get-attestation window (- revision u1)))
  )
)

(define-private (close-epoch
    (epoch uint)
    (accepted-until uint)
  )
  (match (map-get? epochs epoch)
    members (map-set epochs epoch (merge members { accepted-until: accepted-until }))
    false
  )
)

(define-private (later-revision
    (revision uint)
    (found {
      window: uint,
      latest: (optional uint),
    })
  )
  (if (is-some (get-attestation (get window found) revision))
    (merge found { latest: (some revision) })
    found
  )
)
