;; Title: governance
;; Decides: the parameters that other contracts read. Whoever has enough locked reward
;;   tokens proposes changes, locked tokens vote, a timelock passes, anyone executes.
;; Immutable: the list of parameters and the bounds of each; a proposal's changes, its
;;   deadline and its timelock; a vote once it is cast.
;; Who may call: holders of locked tokens propose and vote; anyone queues and executes;
;;   governors (of `roles`) veto until execution. A pause stops proposals and execution.
;;   It needs the role "governance", to hold locks in reward-token.
;; What a majority cannot do: leave the bounds, hold or move a token, hold a role. Contracts
;;   that keep money copy the parameters of an agreement when it is made, so that a change
;;   binds only what begins after it.
;; Weight: what a voter has had locked since before the proposal. Tokens that are passed on
;;   and locked anew have no weight in it, so none votes twice and none is borrowed for a
;;   vote; and what has voted stays locked until the vote is over.

;;;; Constants

(define-constant BPS u10000)

;; Every parameter, what it is at first, and between what it stays for ever. A name ends
;; with its unit: -bps basis points, -s seconds, -ustx microSTX.
(define-constant PARAMETERS (list
  ;; Governance itself. The threshold is in units of the reward token.
  { name: "proposal-threshold", value: u1000000000, min: u1000000, max: u1000000000000 }
  { name: "quorum-bps", value: u2000, min: u500, max: u5000 }
  { name: "voting-period-s", value: u259200, min: u86400, max: u1209600 }
  { name: "timelock-s", value: u172800, min: u86400, max: u2592000 }
  ;; Trade: what a settlement costs, and what it costs not to deliver.
  { name: "trade-fee-bps", value: u50, min: u0, max: u300 }
  { name: "deviation-penalty-bps", value: u1000, min: u0, max: u3000 }
  { name: "offer-expiry-s", value: u86400, min: u3600, max: u2592000 }
  { name: "settlement-deadline-s", value: u1209600, min: u604800, max: u5184000 }
  ;; A VPP: what it keeps back of its output when it sells.
  { name: "vpp-reserve-bps", value: u1000, min: u0, max: u5000 }
  ;; Demand response: the least baseline, the tiers of performance, what failing costs.
  { name: "baseline-days-min", value: u5, min: u1, max: u10 }
  { name: "full-reward-bps", value: u7500, min: u7000, max: u10000 }
  { name: "half-reward-bps", value: u6000, min: u3000, max: u7000 }
  { name: "reward-cap-bps", value: u12000, min: u10000, max: u15000 }
  { name: "slash-max-bps", value: u10000, min: u0, max: u10000 }
  { name: "stake-ustx-per-kwh", value: u100000, min: u0, max: u10000000 }
  { name: "verify-period-s", value: u691200, min: u172800, max: u2592000 }
  ;; Certificates: what a kWh of the grid emits, in grams of carbon dioxide.
  { name: "grid-carbon-g-per-kwh", value: u400, min: u0, max: u1500 }
))

;; How long a passed proposal may be queued, and a queued one executed, in seconds: 14 days.
(define-constant EXECUTION_S u1209600)

;; States of a proposal, as get-state gives them.
(define-constant VOTING u0)
(define-constant PASSED u1)
(define-constant REJECTED u2)
(define-constant QUEUED u3)
(define-constant EXECUTED u4)
(define-constant VETOED u5)
(define-constant EXPIRED u6)

;; Proposals and execution wait until the pause is over.
(define-constant ERR_PAUSED (err u1050))
;; The caller has had fewer tokens locked than a proposal takes.
(define-constant ERR_THRESHOLD (err u1051))
;; A proposal changes something.
(define-constant ERR_NO_CHANGES (err u1052))
;; No parameter has this name.
(define-constant ERR_UNKNOWN_PARAMETER (err u1053))
;; The value is outside of the parameter's bounds.
(define-constant ERR_BOUNDS (err u1054))
;; A reason is named by its sha256.
(define-constant ERR_REASON (err u1055))
;; No proposal has this id.
(define-constant ERR_UNKNOWN_PROPOSAL (err u1056))
;; The proposal is not voted on, or not any more.
(define-constant ERR_NOT_VOTING (err u1057))
;; A holder votes once.
(define-constant ERR_VOTED (err u1058))
;; The caller has locked no tokens, or some only since the proposal.
(define-constant ERR_NO_WEIGHT (err u1059))
;; The proposal did not pass, or is queued already.
(define-constant ERR_NOT_PASSED (err u1060))
;; The proposal is not queued.
(define-constant ERR_NOT_QUEUED (err u1061))
;; The timelock is not over.
(define-constant ERR_TIMELOCK (err u1062))
;; The proposal was not executed in time.
(define-constant ERR_EXPIRED (err u1063))
;; The caller is not a governor.
(define-constant ERR_NOT_GOVERNOR (err u1064))
;; The proposal is executed, vetoed or rejected: there is nothing to stop.
(define-constant ERR_CLOSED (err u1065))

;;;; Data

;; Invariants: exactly the names of PARAMETERS; min <= value <= max.
(define-map parameters
  (string-ascii 32)
  {
    value: uint,
    min: uint,
    max: uint,
  }
)

(define-data-var proposal-count uint u0)

;; Invariants: ids are 1 .. proposal-count; only the votes, the status and the time of
;; execution change; `status` is VOTING, then QUEUED, then EXECUTED, or VETOED from either.
(define-map proposals
  uint
  {
    proposer: principal,
    changes: (list 8 {
      name: (string-ascii 32),
      value: uint,
    }),
    reason: (buff 32),
    proposed-at: uint,
    voting-end: uint,
    quorum-bps: uint,
    total-locked: uint,
    timelock-s: uint,
    for: uint,
    against: uint,
    status: uint,
    executable-at: uint,
  }
)

;; Insert-only.
(define-map votes
  {
    proposal: uint,
    voter: principal,
  }
  {
    support: bool,
    weight: uint,
  }
)

;;;; Read-only

;; What a parameter is now; 0 for a name that is none, which a test forbids our contracts.
(define-read-only (get-parameter (name (string-ascii 32)))
  (match (map-get? parameters name)
    found (get value found)
    u0
  )
)

;; What a parameter is, and between what it stays.
(define-read-only (get-bounds (name (string-ascii 32)))
  (map-get? parameters name)
)

;; All parameters as they were at deployment, with their bounds.
(define-read-only (get-defaults)
  PARAMETERS
)

(define-read-only (get-proposal (proposal uint))
  (map-get? proposals proposal)
)

(define-read-only (get-proposal-count)
  (var-get proposal-count)
)

(define-read-only (get-vote
    (proposal uint)
    (voter principal)
  )
  (map-get? votes {
    proposal: proposal,
    voter: voter,
  })
)

;; 0 voting, 1 passed, 2 rejected, 3 queued, 4 executed, 5 vetoed, 6 expired.
(define-read-only (get-state (proposal uint))
  (match (map-get? proposals proposal)
    found (some (state-of found))
    none
  )
)

;;;; Public

;; Proposes changes, all or none of them to be made; `reason` is the sha256 of the text
;; that explains them. Gives the id.
(define-public (propose
    (changes (list 8 {
      name: (string-ascii 32),
      value: uint,
    }))
    (reason (buff 32))
  )
  (let (
      (proposal (+ (var-get proposal-count) u1))
      (entry {
        proposer: contract-caller,
        changes: changes,
        reason: reason,
        proposed-at: stacks-block-time,
        voting-end: (+ stacks-block-time (get-parameter "voting-period-s")),
        quorum-bps: (get-parameter "quorum-bps"),
        total-locked: (contract-call? .reward-token get-total-locked),
        timelock-s: (get-parameter "timelock-s"),
        for: u0,
        against: u0,
        status: VOTING,
        executable-at: u0,
      })
    )
    (try! (assert-running))
    (asserts!
      ;; Locked in an earlier block: what was borrowed within this one proposes nothing.
      (>=
        (contract-call? .reward-token get-locked-before contract-caller
          stacks-block-time
        )
        (get-parameter "proposal-threshold")
      )
      ERR_THRESHOLD
    )
    (asserts! (> (len changes) u0) ERR_NO_CHANGES)
    (asserts! (is-eq (len reason) u32) ERR_REASON)
    (try! (fold check-change changes (ok true)))
    (map-insert proposals proposal entry)
    (var-set proposal-count proposal)
    (print {
      topic: "proposed",
      proposal: proposal,
      entry: entry,
    })
    (ok proposal)
  )
)

;; Votes with all that the caller has had locked since before the proposal, once. The lock
;; holds until the vote is over.
(define-public (vote
    (proposal uint)
    (support bool)
  )
  (let (
      (found (unwrap! (map-get? proposals proposal) ERR_UNKNOWN_PROPOSAL))
      (weight (contract-call? .reward-token get-locked-before contract-caller
        (get proposed-at found)
      ))
    )
    (asserts! (is-eq (state-of found) VOTING) ERR_NOT_VOTING)
    (asserts! (> weight u0) ERR_NO_WEIGHT)
    (asserts!
      (map-insert votes {
        proposal: proposal,
        voter: contract-caller,
      } {
        support: support,
        weight: weight,
      })
      ERR_VOTED
    )
    (map-set proposals proposal
      (if support
        (merge found { for: (+ (get for found) weight) })
        (merge found { against: (+ (get against found) weight) })
      )
    )
    (try! (contract-call? .reward-token hold contract-caller (get voting-end found)))
    (print {
      topic: "voted",
      proposal: proposal,
      voter: contract-caller,
      support: support,
      weight: weight,
    })
    (ok weight)
  )
)

;; Starts the timelock of a proposal that has passed. By anyone.
(define-public (queue (proposal uint))
  (let (
      (found (unwrap! (map-get? proposals proposal) ERR_UNKNOWN_PROPOSAL))
      (executable-at (+ stacks-block-time (get timelock-s found)))
    )
    (asserts! (is-eq (state-of found) PASSED) ERR_NOT_PASSED)
    (map-set proposals proposal
      (merge found {
        status: QUEUED,
        executable-at: executable-at,
      })
    )
    (print {
      topic: "queued",
      proposal: proposal,
      executable-at: executable-at,
    })
    (ok executable-at)
  )
)

;; Makes the changes of a queued proposal after its timelock. By anyone.
(define-public (execute (proposal uint))
  (let (
      (found (unwrap! (map-get? proposals proposal) ERR_UNKNOWN_PROPOSAL))
      (state (state-of found))
    )
    (try! (assert-running))
    (asserts! (not (is-eq state EXPIRED)) ERR_EXPIRED)
    (asserts! (is-eq state QUEUED) ERR_NOT_QUEUED)
    (asserts! (>= stacks-block-time (get executable-at found)) ERR_TIMELOCK)
    (map apply-change (get changes found))
    (map-set proposals proposal (merge found { status: EXECUTED }))
    (print {
      topic: "executed",
      proposal: proposal,
      changes: (get changes found),
      by: contract-caller,
    })
    (ok true)
  )
)

;; Stops a proposal for good: a governor's word against a captured vote.
(define-public (veto (proposal uint))
  (let (
      (found (unwrap! (map-get? proposals proposal) ERR_UNKNOWN_PROPOSAL))
      (state (state-of found))
    )
    (asserts! (contract-call? .roles is-governor contract-caller) ERR_NOT_GOVERNOR)
    (asserts! (is-some (index-of? (list VOTING PASSED QUEUED) state)) ERR_CLOSED)
    (map-set proposals proposal (merge found { status: VETOED }))
    (print {
      topic: "vetoed",
      proposal: proposal,
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Private

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

;; Passed: the deadline is over, more for than against, and a quorum voted: of what was
;; locked at the proposal or is now, whichever is more, so that nobody picks a quiet hour.
(define-private (state-of (found {
  proposer: principal,
  changes: (list 8 {
    name: (string-ascii 32),
    value: uint,
  }),
  reason: (buff 32),
  proposed-at: uint,
  voting-end: uint,
  quorum-bps: uint,
  total-locked: uint,
  timelock-s: uint,
  for: uint,
  against: uint,
  status: uint,
  executable-at: uint,
}))
  (let ((status (get status found)))
    (if (is-eq status VOTING)
      (if (<= stacks-block-time (get voting-end found))
        VOTING
        (if (and
            (> (get for found) (get against found))
            (>= (* BPS (+ (get for found) (get against found)))
              (* (get quorum-bps found)
                (larger (get total-locked found)
                  (contract-call? .reward-token get-total-locked)
                ))
            )
          )
          (unless-after (+ (get voting-end found) EXECUTION_S) PASSED)
          REJECTED
        )
      )
      (if (is-eq status QUEUED)
        (unless-after (+ (get executable-at found) EXECUTION_S) QUEUED)
        status
      )
    )
  )
)

;; The state, or that its time is over.
(define-private (unless-after
    (end uint)
    (state uint)
  )
  (if (> stacks-block-time end)
    EXPIRED
    state
  )
)

(define-private (check-change
    (change {
      name: (string-ascii 32),
      value: uint,
    })
    (checked (response bool uint))
  )
  (let ((bounds (begin
      (try! checked)
      (unwrap! (map-get? parameters (get name change)) ERR_UNKNOWN_PARAMETER)
    )))
    (asserts!
      (and
        (>= (get value change) (get min bounds))
        (<= (get value change) (get max bounds))
      )
      ERR_BOUNDS
    )
    (ok true)
  )
)

;; The bounds never change, so what was checked when it was proposed holds still.
(define-private (apply-change (change {
  name: (string-ascii 32),
  value: uint,
}))
  (match (map-get? parameters (get name change))
    found (map-set parameters (get name change)
      (merge found { value: (get value change) })
    )
    false
  )
)

(define-private (insert-parameter (parameter {
  name: (string-ascii 32),
  value: uint,
  min: uint,
  max: uint,
}))
  (map-insert parameters (get name parameter) {
    value: (get value parameter),
    min: (get min parameter),
    max: (get max parameter),
  })
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

;; In the block of deployment, so that nobody steps in between.
(map insert-parameter PARAMETERS)
