;; Title: reward-token
;; Decides: who holds WATT, the token of rewards and stakes, and how much of it each has
;;   locked, which is its weight in votes.
;; Immutable: supply = minted - burned, at most CAP; the units this contract holds are
;;   those that are locked; a locker always gets its own back, and nobody else does.
;; Who may call: holders transfer, burn, lock and unlock; holders of the role
;;   "reward-minter" mint; a contract with the role "governance" holds a lock until the
;;   vote it was counted in is over, at most HOLD_MAX_S from now.
;;   The pause stops minting only.

(impl-trait .traits-sip010.sip-010-trait)

;;;; Constants

(define-constant MINTER "reward-minter")
(define-constant GOVERNANCE "governance")

;; One thousand million WATT of 6 decimals: no majority makes more.
(define-constant CAP u1000000000000000)
;; A vote may hold a lock this many seconds, so that a faulty one never keeps it: 30 days.
(define-constant HOLD_MAX_S u2592000)

;; SIP-010's code for a sender who did not ask for the transfer; its u1 (balance), u2 (to
;; oneself) and u3 (nothing) are those of `ft-transfer?`.
(define-constant NOT_SENDER (err u4))

;; The caller may not do this.
(define-constant ERR_NOT_ALLOWED (err u640))
;; Minting waits until the pause is over.
(define-constant ERR_PAUSED (err u641))
;; Nothing is minted, burned, locked or unlocked.
(define-constant ERR_AMOUNT (err u642))
;; There would be more than the cap.
(define-constant ERR_CAP (err u643))
;; The holder has less.
(define-constant ERR_BALANCE (err u644))
;; Less is locked.
(define-constant ERR_LOCKED (err u645))
;; A vote holds the lock.
(define-constant ERR_HELD (err u646))
;; A lock is not held this long.
(define-constant ERR_HOLD (err u647))

;;;; Data

(define-fungible-token watt)

;; Invariant: supply = minted - burned.
(define-data-var minted uint u0)

;; Invariant: the amounts add up to `total-locked`, which this contract holds.
;; `since` is when something was last added.
(define-map locks
  principal
  {
    amount: uint,
    since: uint,
    held-until: uint,
  }
)

(define-data-var total-locked uint u0)

;;;; Read-only

(define-read-only (get-name)
  (ok "Wattest Reward")
)

(define-read-only (get-symbol)
  (ok "WATT")
)

(define-read-only (get-decimals)
  (ok u6)
)

(define-read-only (get-balance (who principal))
  (ok (ft-get-balance watt who))
)

(define-read-only (get-total-supply)
  (ok (ft-get-supply watt))
)

(define-read-only (get-token-uri)
  (ok none)
)

;; All that was ever minted and burned.
(define-read-only (get-totals)
  {
    minted: (var-get minted),
    burned: (- (var-get minted) (ft-get-supply watt)),
    locked: (var-get total-locked),
  }
)

;; What `who` has locked: its weight.
(define-read-only (get-locked (who principal))
  (get amount (get-lock who))
)

;; What was locked before a time and is still: the weight in a vote that began there.
;; Who adds to a lock after that has no weight in it, so that none is bought for a vote.
(define-read-only (get-locked-before
    (who principal)
    (time-s uint)
  )
  (let ((lock-of (get-lock who)))
    (if (< (get since lock-of) time-s)
      (get amount lock-of)
      u0
    )
  )
)

(define-read-only (get-total-locked)
  (var-get total-locked)
)

(define-read-only (get-lock (who principal))
  (default-to {
    amount: u0,
    since: u0,
    held-until: u0,
  }
    (map-get? locks who)
  )
)

;; The sum of what this contract owes: what is locked.
(define-read-only (get-escrow)
  {
    owed: (var-get total-locked),
    held: (ft-get-balance watt current-contract),
  }
)

;;;; Public

;; SIP-010. The sender is who signed the transaction, or the contract that calls: so one
;; contract can take a user's units into its escrow and give them back.
(define-public (transfer
    (amount uint)
    (sender principal)
    (recipient principal)
    (memo (optional (buff 34)))
  )
  (begin
    (asserts! (or (is-eq tx-sender sender) (is-eq contract-caller sender)) NOT_SENDER)
    ;; What comes here is locked, or nobody could get it out again.
    (asserts! (not (is-eq recipient current-contract)) ERR_NOT_ALLOWED)
    (try! (ft-transfer? watt amount sender recipient))
    (match memo
      said (print said)
      0x
    )
    (ok true)
  )
)

;; Makes `amount` units for `recipient`: `reward-minter` only, up to the cap.
(define-public (mint
    (amount uint)
    (recipient principal)
  )
  (let ((supply (ft-get-supply watt)))
    (asserts! (contract-call? .roles has-role contract-caller MINTER) ERR_NOT_ALLOWED)
    (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED)
    (asserts! (> amount u0) ERR_AMOUNT)
    (asserts! (and (<= amount CAP) (<= (+ supply amount) CAP)) ERR_CAP)
    (asserts! (not (is-eq recipient current-contract)) ERR_NOT_ALLOWED)
    (unwrap! (ft-mint? watt amount recipient) ERR_AMOUNT)
    (var-set minted (+ (var-get minted) amount))
    (print {
      topic: "reward-minted",
      amount: amount,
      recipient: recipient,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Destroys units of the caller, as a contract does with a stake that was slashed.
(define-public (burn
    (amount uint)
    (holder principal)
  )
  (begin
    (asserts! (is-eq contract-caller holder) ERR_NOT_ALLOWED)
    (asserts! (> amount u0) ERR_AMOUNT)
    (unwrap! (ft-burn? watt amount holder) ERR_BALANCE)
    (print {
      topic: "reward-burned",
      amount: amount,
      holder: holder,
    })
    (ok true)
  )
)

;; Locks units of the caller. Gives what it has locked in all.
(define-public (lock (amount uint))
  (let (
      (who contract-caller)
      (before (get-lock who))
      (after (begin
        (asserts! (> amount u0) ERR_AMOUNT)
        (unwrap! (ft-transfer? watt amount who current-contract) ERR_BALANCE)
        (+ (get amount before) amount)
      ))
    )
    (map-set locks who
      (merge before {
        amount: after,
        since: stacks-block-time,
      })
    )
    (var-set total-locked (+ (var-get total-locked) amount))
    (print {
      topic: "reward-locked",
      who: who,
      amount: amount,
      locked: after,
    })
    (ok after)
  )
)

;; Gives locked units back to the caller, unless a vote holds them. Gives what stays.
(define-public (unlock (amount uint))
  (let (
      (who contract-caller)
      (before (get-lock who))
    )
    (asserts! (> amount u0) ERR_AMOUNT)
    (asserts! (<= amount (get amount before)) ERR_LOCKED)
    (asserts! (> stacks-block-time (get held-until before)) ERR_HELD)
    (map-set locks who (merge before { amount: (- (get amount before) amount) }))
    (var-set total-locked (- (var-get total-locked) amount))
    ;; This contract holds what is locked, so the transfer cannot fail.
    (unwrap! (ft-transfer? watt amount current-contract who) ERR_BALANCE)
    (print {
      topic: "reward-unlocked",
      who: who,
      amount: amount,
      locked: (- (get amount before) amount),
    })
    (ok (- (get amount before) amount))
  )
)

;; Keeps a lock until a time is over: `governance` only, when it counts a vote. It never ends
;; earlier than another vote has said.
(define-public (hold
    (who principal)
    (until uint)
  )
  (let (
      (before (get-lock who))
      (end (if (> until (get held-until before))
        until
        (get held-until before)
      ))
    )
    (asserts! (contract-call? .roles has-role contract-caller GOVERNANCE) ERR_NOT_ALLOWED)
    (asserts! (<= until (+ stacks-block-time HOLD_MAX_S)) ERR_HOLD)
    (map-set locks who (merge before { held-until: end }))
    (print {
      topic: "reward-held",
      who: who,
      until: end,
    })
    (ok end)
  )
)
