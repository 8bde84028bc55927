;; Title: oracle-staking
;; Decides: who the operators are, what they have at stake, and which of them make up
;;   an epoch's committee. It holds the bonds and knows nothing of energy.
;; Immutable: operator ids and node keys are inserted once; an epoch in force never
;;   changes; the window length is set once; `network` is fixed by the committee of
;;   epoch 1; STX leave only to the bond's owner, as a bounty, or burned.
;; Who may call: a cold owner registers, stakes, unstakes and rotates its own
;;   operator's key; governors initialise and propose; anyone activates a proposed
;;   epoch with its certificate and counts participation; holders of the role
;;   "dispute" slash and hold. A slashed operator is barred from committees until a
;;   governor reinstates it. A pause stops new operators and new stake, nothing else.
;; Conservation: staked = withdrawn + slashed + the sum of all bonds held here.

;;;; Constants

;; What an operator must have at stake to be proposed, in microSTX: 1000 STX.
(define-constant MIN_STAKE_USTX u1000000000)
;; How long an attestation can be disputed, in seconds: 7 days.
(define-constant DISPUTE_S u604800)
;; How long stake stays slashable after it was asked back: 14 days. It exceeds the
;; dispute period and the previous epoch's grace in production-oracle together.
(define-constant UNBONDING_S u1209600)
(define-constant MEMBERS_MIN u4)
(define-constant BPS u10000)
(define-constant ORACLE .production-oracle)
(define-constant DISPUTE "dispute")

;; The caller is not a governor.
(define-constant ERR_NOT_GOVERNOR (err u300))
;; The caller does not own this operator.
(define-constant ERR_NOT_OWNER (err u301))
;; The caller does not hold the role "dispute".
(define-constant ERR_NOT_DISPUTE (err u302))
;; New operators and new stake wait until the pause is over.
(define-constant ERR_PAUSED (err u303))
;; The window length is set already.
(define-constant ERR_INITIALISED (err u304))
;; The window length is not set yet.
(define-constant ERR_NOT_INITIALISED (err u305))
;; A window is at least a second and at most a day long, and divides the day.
(define-constant ERR_WINDOW_LENGTH (err u306))
;; No operator has this id.
(define-constant ERR_UNKNOWN_OPERATOR (err u307))
;; The key belongs, or once belonged, to an operator.
(define-constant ERR_KEY_USED (err u308))
;; The proof is not the node key's signature for this owner.
(define-constant ERR_KEY_PROOF (err u309))
;; Zero is no amount, and nobody is no offender.
(define-constant ERR_AMOUNT (err u310))
;; The stake is smaller than that.
(define-constant ERR_STAKE_TOO_SMALL (err u311))
;; A member of the current or the proposed epoch keeps its minimum stake.
(define-constant ERR_IN_COMMITTEE (err u312))
;; Nothing is being unstaked.
(define-constant ERR_NOTHING_UNBONDING (err u313))
;; The unbonding delay is not over.
(define-constant ERR_STILL_UNBONDING (err u314))
;; The STX could not be moved.
(define-constant ERR_TRANSFER (err u315))
;; A committee has 4 to 31 members.
(define-constant ERR_COMMITTEE_SIZE (err u316))
;; An operator stands twice in the committee.
(define-constant ERR_DUPLICATE_OPERATOR (err u317))
;; No epoch is proposed.
(define-constant ERR_NO_PROPOSAL (err u318))
;; The group key is not the one the network was born with, or not 96 bytes.
(define-constant ERR_GROUP_KEY (err u319))
;; An epoch's first window starts at a multiple of the window length.
(define-constant ERR_WINDOW_UNALIGNED (err u320))
;; A share of a bond, and a bounty of what is slashed, is at most the whole.
(define-constant ERR_BOUNTY (err u321))
;; The attestation is missing, or of another epoch.
(define-constant ERR_NOT_OF_EPOCH (err u322))
;; This attestation is counted already.
(define-constant ERR_COUNTED (err u323))
;; A value has no consensus bytes; no argument of these types can cause it.
(define-constant ERR_ENCODING (err u324))
;; A slashed operator is in no committee until it is reinstated.
(define-constant ERR_BARRED (err u325))
;; The operator is not barred.
(define-constant ERR_NOT_BARRED (err u326))
;; The bond waits for the end of a challenge.
(define-constant ERR_HELD (err u327))

;;;; Data

(define-data-var operator-count uint u0)

;; Invariants: ids are 1 .. operator-count; `key` is the only key in `key-operators`
;; that will be used for this operator's next epochs; `stake` and `unbonding` are
;; held by this contract; `unbonding` is 0 unless `unlock-at` is set; `barred` from a
;; slash to the reinstatement; nothing is withdrawn before `held-until`, which only rises.
(define-map operators
  uint
  {
    owner: principal,
    key: (buff 33),
    stake: uint,
    unbonding: uint,
    unlock-at: uint,
    held-until: uint,
    barred: bool,
  }
)

;; Insert-only: every node key ever registered, so that old evidence finds its operator.
(define-map key-operators
  (buff 33)
  uint
)

;; Invariant: staked = withdrawn + slashed + the sum of all operators' bonds.
(define-data-var totals {
  staked: uint,
  withdrawn: uint,
  slashed: uint,
} {
  staked: u0,
  withdrawn: u0,
  slashed: u0,
})

;; The window length in seconds; 0 until initialised.
(define-data-var window-length uint u0)

;; sha256 of the genesis (Q4); fixed once epoch 1 is in force.
(define-data-var network (optional (buff 32)) none)

;; The epoch in force; 0 before the first.
(define-data-var current-epoch uint u0)

;; Insert-only, for every epoch that was ever in force.
(define-map epochs
  uint
  {
    operators: (list 31 uint),
    keys: (list 31 (buff 33)),
    group-key: (buff 96),
    session: (buff 32),
    commitments: (buff 32),
    first-window: uint,
    activated-at: uint,
  }
)

;; The committee that waits for its key ceremony; a governor may replace it.
(define-data-var proposal (optional {
  operators: (list 31 uint),
  keys: (list 31 (buff 33)),
}) none)

;; Attestations counted for each epoch, and how many of them each slot has signed.
(define-map participation
  uint
  {
    attestations: uint,
    signed: (list 31 uint),
  }
)

;; Insert-only: what `participation` counts.
(define-map counted
  {
    window: uint,
    revision: uint,
  }
  bool
)

;;;; Read-only

(define-read-only (get-operator (operator uint))
  (map-get? operators operator)
)

(define-read-only (get-operator-count)
  (var-get operator-count)
)

;; Whose a node key is or was.
(define-read-only (get-operator-of-key (key (buff 33)))
  (map-get? key-operators key)
)

;; True from a slash until a governor reinstates the operator.
(define-read-only (is-barred (operator uint))
  (match (map-get? operators operator)
    current (get barred current)
    false
  )
)

;; Until when nothing of the operator's is withdrawn; 0 if no challenge ever held it.
(define-read-only (get-held-until (operator uint))
  (match (map-get? operators operator)
    current (get held-until current)
    u0
  )
)

;; How many members of an epoch belong to `owner`.
(define-read-only (get-seats
    (epoch uint)
    (owner principal)
  )
  (match (map-get? epochs epoch)
    members (get seats
      (fold count-seat (get operators members) {
        owner: owner,
        seats: u0,
      })
    )
    u0
  )
)

;; An epoch that is or was in force.
(define-read-only (get-epoch (epoch uint))
  (map-get? epochs epoch)
)

(define-read-only (get-current-epoch)
  (var-get current-epoch)
)

;; The committee that waits for activation, with the number it will get.
(define-read-only (get-proposed-epoch)
  (match (var-get proposal)
    proposed (some (merge proposed { epoch: (+ (var-get current-epoch) u1) }))
    none
  )
)

(define-read-only (get-network)
  (var-get network)
)

(define-read-only (get-window-length)
  (var-get window-length)
)

(define-read-only (get-participation (epoch uint))
  (map-get? participation epoch)
)

;; Stake in, stake out, stake slashed and what is held for operators, in microSTX.
(define-read-only (get-totals)
  (let ((sums (var-get totals)))
    (merge sums {
      held: (- (get staked sums) (get withdrawn sums) (get slashed sums)),
    })
  )
)

(define-read-only (get-parameters)
  {
    min-stake-ustx: MIN_STAKE_USTX,
    dispute-s: DISPUTE_S,
    unbonding-s: UNBONDING_S,
  }
)

;; What a node key signs to show that it belongs to `owner`.
(define-read-only (get-key-proof-digest (owner principal))
  (ok (sha256 (unwrap!
    (to-consensus-buff? {
      topic: "node-key",
      chain-id: chain-id,
      staking: current-contract,
      owner: owner,
    })
    ERR_ENCODING
  )))
)

;;;; Public: set-up

;; Sets the window length, once.
(define-public (initialise (window-s uint))
  (begin
    (try! (assert-governor))
    (asserts! (is-eq (var-get window-length) u0) ERR_INITIALISED)
    (asserts! (and (> window-s u0) (<= window-s u86400)) ERR_WINDOW_LENGTH)
    (asserts! (is-eq (mod u86400 window-s) u0) ERR_WINDOW_LENGTH)
    (var-set window-length window-s)
    (print {
      topic: "initialised",
      window-s: window-s,
    })
    (ok true)
  )
)

;;;; Public: operators

;; Registers the caller as cold owner of a new operator with this node key; `proof`
;; is the node key's signature over get-key-proof-digest of the caller. Gives the id.
(define-public (register-operator
    (key (buff 33))
    (proof (buff 65))
  )
  (let ((operator (+ (var-get operator-count) u1)))
    (try! (assert-running))
    (try! (claim-key key proof operator))
    (map-insert operators operator {
      owner: contract-caller,
      key: key,
      stake: u0,
      unbonding: u0,
      unlock-at: u0,
      held-until: u0,
      barred: false,
    })
    (var-set operator-count operator)
    (print {
      topic: "operator-registered",
      operator: operator,
      owner: contract-caller,
      key: key,
    })
    (ok operator)
  )
)

;; Replaces the node key; epochs proposed from now on have the new one.
(define-public (rotate-node-key
    (operator uint)
    (key (buff 33))
    (proof (buff 65))
  )
  (let ((current (try! (owned operator))))
    (try! (claim-key key proof operator))
    (map-set operators operator (merge current { key: key }))
    (print {
      topic: "node-key-rotated",
      operator: operator,
      old-key: (get key current),
      key: key,
    })
    (ok true)
  )
)

;; Moves `amount` microSTX from the owner into the operator's bond.
(define-public (stake
    (operator uint)
    (amount uint)
  )
  (let (
      (current (try! (owned operator)))
      (sums (var-get totals))
      (bond (begin
        (try! (assert-running))
        (asserts! (> amount u0) ERR_AMOUNT)
        (unwrap! (stx-transfer? amount contract-caller current-contract) ERR_TRANSFER)
        (+ (get stake current) amount)
      ))
    )
    (map-set operators operator (merge current { stake: bond }))
    (var-set totals (merge sums { staked: (+ (get staked sums) amount) }))
    (print {
      topic: "staked",
      operator: operator,
      amount: amount,
      stake: bond,
    })
    (ok bond)
  )
)

;; Asks `amount` back. It stays slashable for the unbonding delay, which starts anew
;; for all that is unbonding. A member of a committee keeps its minimum.
(define-public (request-unstake
    (operator uint)
    (amount uint)
  )
  (let (
      (current (try! (owned operator)))
      (held (get stake current))
      (unlock-at (+ stacks-block-time UNBONDING_S))
    )
    (asserts! (> amount u0) ERR_AMOUNT)
    (asserts! (<= amount held) ERR_STAKE_TOO_SMALL)
    (asserts! (or (>= (- held amount) MIN_STAKE_USTX) (not (is-member operator)))
      ERR_IN_COMMITTEE
    )
    (map-set operators operator
      (merge current {
        stake: (- held amount),
        unbonding: (+ (get unbonding current) amount),
        unlock-at: unlock-at,
      })
    )
    (print {
      topic: "unstake-requested",
      operator: operator,
      amount: amount,
      unlock-at: unlock-at,
    })
    (ok unlock-at)
  )
)

;; Pays what has unbonded to the owner.
(define-public (withdraw (operator uint))
  (let (
      (current (try! (owned operator)))
      (amount (get unbonding current))
      (sums (var-get totals))
    )
    (asserts! (> amount u0) ERR_NOTHING_UNBONDING)
    (asserts! (>= stacks-block-time (get unlock-at current)) ERR_STILL_UNBONDING)
    (asserts! (>= stacks-block-time (get held-until current)) ERR_HELD)
    (map-set operators operator
      (merge current {
        unbonding: u0,
        unlock-at: u0,
      })
    )
    (var-set totals
      (merge sums { withdrawn: (+ (get withdrawn sums) amount) })
    )
    (try! (pay amount (get owner current)))
    (print {
      topic: "withdrawn",
      operator: operator,
      owner: (get owner current),
      amount: amount,
    })
    (ok amount)
  )
)

;; Takes `share-bps` basis points of each offender's bond, what is unbonding included,
;; and bars them: `bounty-bps` of the sum go to `recipient`, the rest is burned. A share
;; is rounded up and the bounty down, so rounding helps neither offender nor hunter. One
;; with nothing left loses nothing and is no error, so that it cannot shield the others.
(define-public (slash
    (guilty (list 31 uint))
    (share-bps uint)
    (bounty-bps uint)
    (recipient principal)
  )
  (let (
      (taken (begin
        (try! (assert-dispute))
        (asserts! (and (> share-bps u0) (> (len guilty) u0)) ERR_AMOUNT)
        (asserts! (and (<= share-bps BPS) (<= bounty-bps BPS)) ERR_BOUNTY)
        (get taken
          (try! (fold slash-one guilty
            (ok {
              share-bps: share-bps,
              taken: u0,
            })
          ))
        )
      ))
      (sums (var-get totals))
      (bounty (/ (* taken bounty-bps) BPS))
    )
    (var-set totals (merge sums { slashed: (+ (get slashed sums) taken) }))
    (try! (pay bounty recipient))
    (try! (burn (- taken bounty)))
    (print {
      topic: "slashed",
      operators: guilty,
      share-bps: share-bps,
      amount: taken,
      bounty: bounty,
      burned: (- taken bounty),
      recipient: recipient,
      by: contract-caller,
    })
    (ok {
      slashed: taken,
      bounty: bounty,
      burned: (- taken bounty),
    })
  )
)

;; Keeps an operator's bond here while a challenge against it is decided: unbonding must
;; not outrun a vote. An earlier hold that lasts longer stays.
(define-public (hold
    (operator uint)
    (until uint)
  )
  (let (
      (current (begin
        (try! (assert-dispute))
        (unwrap! (map-get? operators operator) ERR_UNKNOWN_OPERATOR)
      ))
      (held-until (larger until (get held-until current)))
    )
    (map-set operators operator (merge current { held-until: held-until }))
    (print {
      topic: "bond-held",
      operator: operator,
      held-until: held-until,
      by: contract-caller,
    })
    (ok held-until)
  )
)

;; Lets a slashed operator into committees again.
(define-public (reinstate (operator uint))
  (let ((current (begin
      (try! (assert-governor))
      (unwrap! (map-get? operators operator) ERR_UNKNOWN_OPERATOR)
    )))
    (asserts! (get barred current) ERR_NOT_BARRED)
    (map-set operators operator (merge current { barred: false }))
    (print {
      topic: "operator-reinstated",
      operator: operator,
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Public: epochs

;; Proposes the next epoch's committee: operator ids in slot order, each with the
;; minimum stake and none barred. Its keys are those of this moment. Replaces an earlier proposal; for
;; epoch 1 that renews the network's identity, which nothing is attested under yet.
(define-public (propose-epoch (members (list 31 uint)))
  (let (
      (epoch (+ (var-get current-epoch) u1))
      (window-s (var-get window-length))
      (keys (begin
        (try! (assert-governor))
        (asserts! (> window-s u0) ERR_NOT_INITIALISED)
        (asserts! (>= (len members) MEMBERS_MIN) ERR_COMMITTEE_SIZE)
        (try! (fold add-member members (ok (list))))
      ))
    )
    (and
      (is-eq epoch u1)
      (var-set network
        (some (sha256 (unwrap!
          (to-consensus-buff? {
            chain-id: chain-id,
            oracle: ORACLE,
            window-s: window-s,
            committee: keys,
          })
          ERR_ENCODING
        )))
      )
    )
    (var-set proposal
      (some {
        operators: members,
        keys: keys,
      })
    )
    (print {
      topic: "epoch-proposed",
      epoch: epoch,
      operators: members,
      keys: keys,
      network: (var-get network),
    })
    (ok epoch)
  )
)

;; Puts the proposed epoch in force: the log entry of kind "activate" at `height`, with
;; its certificate by the proposed keys (K3). Anyone may submit it.
(define-public (activate-epoch
    (height uint)
    (previous (buff 32))
    (session (buff 32))
    (group-key (buff 96))
    (commitments (buff 32))
    (first-window uint)
    (attachment (buff 32))
    (round uint)
    (signatures (list 31 (buff 65)))
  )
  (let (
      (proposed (unwrap! (var-get proposal) ERR_NO_PROPOSAL))
      (identity (unwrap! (var-get network) ERR_NO_PROPOSAL))
      (window-s (var-get window-length))
      (last (var-get current-epoch))
      (epoch (+ last u1))
      (keys (get keys proposed))
      (digest (sha256 (unwrap!
        (to-consensus-buff? {
          network: identity,
          height: height,
          previous: previous,
          kind: "activate",
          body: {
            epoch: epoch,
            session: session,
            group-key: group-key,
            commitments: commitments,
            first-window: first-window,
            attachment: attachment,
          },
        })
        ERR_ENCODING
      )))
    )
    (asserts! (is-eq (mod first-window window-s) u0) ERR_WINDOW_UNALIGNED)
    (asserts! (is-eq (len group-key) u96) ERR_GROUP_KEY)
    ;; K3: resharing keeps the group key; only the first epoch brings one.
    (asserts!
      (match (map-get? epochs last)
        before (is-eq (get group-key before) group-key)
        true
      )
      ERR_GROUP_KEY
    )
    (try! (contract-call? .production-oracle check-certificate identity epoch height
      round digest keys signatures
    ))
    (try! (contract-call? .production-oracle install-epoch epoch identity window-s keys))
    (map-insert epochs epoch {
      operators: (get operators proposed),
      keys: keys,
      group-key: group-key,
      session: session,
      commitments: commitments,
      first-window: first-window,
      activated-at: stacks-block-time,
    })
    (var-set current-epoch epoch)
    (var-set proposal none)
    (print {
      topic: "epoch-activated",
      epoch: epoch,
      height: height,
      previous: previous,
      session: session,
      group-key: group-key,
      commitments: commitments,
      first-window: first-window,
      attachment: attachment,
      round: round,
      digest: digest,
      operators: (get operators proposed),
      keys: keys,
    })
    (ok epoch)
  )
)

;; Counts who signed these attestations of an epoch, each once. Kept out of
;; submit-window, where a write for every signer would cost more than the signatures.
(define-public (count-participation
    (epoch uint)
    (attested (list 24 {
      window: uint,
      revision: uint,
    }))
  )
  (let (
      (members (unwrap! (map-get? epochs epoch) ERR_NOT_OF_EPOCH))
      (before (default-to {
        attestations: u0,
        signed: (map zero (get operators members)),
      }
        (map-get? participation epoch)
      ))
      (after (try! (fold count-one attested
        (ok {
          epoch: epoch,
          attestations: (get attestations before),
          signed: (get signed before),
        })
      )))
    )
    (map-set participation epoch {
      attestations: (get attestations after),
      signed: (get signed after),
    })
    (print {
      topic: "participation-counted",
      epoch: epoch,
      attested: attested,
      attestations: (get attestations after),
      signed: (get signed after),
    })
    (ok (get attestations after))
  )
)

;;;; Private

(define-private (assert-governor)
  (ok (asserts! (contract-call? .roles is-governor contract-caller) ERR_NOT_GOVERNOR))
)

(define-private (assert-dispute)
  (ok (asserts! (contract-call? .roles has-role contract-caller DISPUTE) ERR_NOT_DISPUTE))
)

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

;; The operator, if the caller owns it.
(define-private (owned (operator uint))
  (let ((current (unwrap! (map-get? operators operator) ERR_UNKNOWN_OPERATOR)))
    (asserts! (is-eq contract-caller (get owner current)) ERR_NOT_OWNER)
    (ok current)
  )
)

;; Takes a key for an operator, for ever, if it has signed for the caller: nobody can
;; register a key that is not theirs, nor a slot that no key can fill.
(define-private (claim-key
    (key (buff 33))
    (proof (buff 65))
    (operator uint)
  )
  (begin
    (asserts!
      (is-eq (secp256k1-recover? (try! (get-key-proof-digest contract-caller)) proof)
        (ok key)
      )
      ERR_KEY_PROOF
    )
    (ok (asserts! (map-insert key-operators key operator) ERR_KEY_USED))
  )
)

;; True for members of the epoch in force and of the one proposed. Members of the
;; previous epoch, still accepted within its grace, are held by the unbonding delay.
(define-private (is-member (operator uint))
  (or
    (match (map-get? epochs (var-get current-epoch))
      members (is-some (index-of? (get operators members) operator))
      false
    )
    (match (var-get proposal)
      members (is-some (index-of? (get operators members) operator))
      false
    )
  )
)

(define-private (add-member
    (operator uint)
    (gathered (response (list 31 (buff 33)) uint))
  )
  (let (
      (keys (try! gathered))
      (member (unwrap! (map-get? operators operator) ERR_UNKNOWN_OPERATOR))
      (key (get key member))
    )
    (asserts! (not (get barred member)) ERR_BARRED)
    (asserts! (>= (get stake member) MIN_STAKE_USTX) ERR_STAKE_TOO_SMALL)
    (asserts! (is-none (index-of? keys key)) ERR_DUPLICATE_OPERATOR)
    (ok (unwrap! (as-max-len? (append keys key) u31) ERR_COMMITTEE_SIZE))
  )
)

;; Takes one offender's share, stake first, and bars it.
(define-private (slash-one
    (operator uint)
    (sums (response {
      share-bps: uint,
      taken: uint,
    } uint))
  )
  (let (
      (so-far (try! sums))
      (current (unwrap! (map-get? operators operator) ERR_UNKNOWN_OPERATOR))
      (held (get stake current))
      (bond (+ held (get unbonding current)))
      (share (/ (+ (* bond (get share-bps so-far)) (- BPS u1)) BPS))
      (from-stake (smaller share held))
    )
    (map-set operators operator
      (merge current {
        stake: (- held from-stake),
        unbonding: (- (get unbonding current) (- share from-stake)),
        barred: true,
      })
    )
    (ok (merge so-far { taken: (+ (get taken so-far) share) }))
  )
)

(define-private (count-seat
    (operator uint)
    (found {
      owner: principal,
      seats: uint,
    })
  )
  (match (map-get? operators operator)
    member (if (is-eq (get owner member) (get owner found))
      (merge found { seats: (+ (get seats found) u1) })
      found
    )
    found
  )
)

(define-private (count-one
    (attested {
      window: uint,
      revision: uint,
    })
    (sums (response {
      epoch: uint,
      attestations: uint,
      signed: (list 31 uint),
    } uint))
  )
  (let (
      (so-far (try! sums))
      (found (unwrap!
        (contract-call? .production-oracle get-signers (get window attested)
          (get revision attested)
        )
        ERR_NOT_OF_EPOCH
      ))
    )
    (asserts! (is-eq (get epoch found) (get epoch so-far)) ERR_NOT_OF_EPOCH)
    (asserts! (map-insert counted attested true) ERR_COUNTED)
    (ok (merge so-far {
      attestations: (+ (get attestations so-far) u1),
      signed: (map + (get signed so-far) (map one-if (get signers found))),
    }))
  )
)

(define-private (zero (operator uint))
  (- operator operator)
)

(define-private (one-if (signed bool))
  (if signed
    u1
    u0
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

(define-private (larger
    (a uint)
    (b uint)
  )
  (if (> a b)
    a
    b
  )
)

(define-private (pay
    (amount uint)
    (recipient principal)
  )
  (if (is-eq amount u0)
    (ok true)
    (ok (unwrap!
      (as-contract? ((with-stx amount))
        (unwrap! (stx-transfer? amount current-contract recipient) ERR_TRANSFER)
      )
      ERR_TRANSFER
    ))
  )
)

(define-private (burn (amount uint))
  (if (is-eq amount u0)
    (ok true)
    (ok (unwrap!
      (as-contract? ((with-stx amount))
        (unwrap! (stx-burn? amount current-contract) ERR_TRANSFER)
      )
      ERR_TRANSFER
    ))
  )
)
