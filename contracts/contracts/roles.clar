;; Title: roles
;; Decides: who may act. One map of (principal, role name), one pause switch.
;; Immutable: there is always at least one governor, and a governor can always
;;   unpause; nothing here is itself stopped by the pause.
;; Who may call: governors grant, revoke, transfer and unpause; governors and
;;   guardians pause; anyone reads. A caller is `contract-caller`, so a contract
;;   a user happens to call cannot act in the user's name.
;; Role names in use: governor, guardian, verifier, dispute, and those that other
;;   contracts name in their own headers.

;;;; Constants

(define-constant GOVERNOR "governor")
(define-constant GUARDIAN "guardian")

;; The caller holds no role that allows this.
(define-constant ERR_NOT_ALLOWED (err u100))
;; The principal already holds the role.
(define-constant ERR_ALREADY_HELD (err u101))
;; The principal does not hold the role.
(define-constant ERR_NOT_HELD (err u102))
;; The last governor cannot be removed.
(define-constant ERR_LAST_GOVERNOR (err u103))
;; A role has a name.
(define-constant ERR_ROLE_NAME (err u104))
;; No transfer of governance waits for this caller.
(define-constant ERR_NO_TRANSFER (err u105))
;; Already paused.
(define-constant ERR_PAUSED (err u106))
;; Not paused.
(define-constant ERR_NOT_PAUSED (err u107))

;;;; Data

;; Invariant: a pair is present if and only if the role is held.
(define-map held
  {
    who: principal,
    role: (string-ascii 24),
  }
  bool
)

;; Invariant: the number of pairs in `held` whose role is "governor"; never 0.
(define-data-var governor-count uint u1)

;; The transfer of governance that waits to be accepted.
(define-data-var pending-transfer (optional {
  from: principal,
  to: principal,
}) none)

(define-data-var paused bool false)

;; The deployer governs from the block of deployment, so nobody can step in between.
(map-insert held {
  who: tx-sender,
  role: GOVERNOR,
} true)

;;;; Read-only

(define-read-only (has-role
    (who principal)
    (role (string-ascii 24))
  )
  (is-some (map-get? held {
    who: who,
    role: role,
  }))
)

(define-read-only (is-governor (who principal))
  (has-role who GOVERNOR)
)

(define-read-only (is-paused)
  (var-get paused)
)

(define-read-only (get-governor-count)
  (var-get governor-count)
)

(define-read-only (get-pending-transfer)
  (var-get pending-transfer)
)

;;;; Public

;; Gives `who` a role. A second governor is added this way; the granter stays one.
(define-public (grant-role
    (who principal)
    (role (string-ascii 24))
  )
  (begin
    (try! (assert-governor))
    (asserts! (> (len role) u0) ERR_ROLE_NAME)
    (asserts!
      (map-insert held {
        who: who,
        role: role,
      } true)
      ERR_ALREADY_HELD
    )
    (and
      (is-eq role GOVERNOR)
      (var-set governor-count (+ (var-get governor-count) u1))
    )
    (print {
      topic: "role-granted",
      who: who,
      role: role,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Takes a role away, except from the last governor.
(define-public (revoke-role
    (who principal)
    (role (string-ascii 24))
  )
  (begin
    (try! (assert-governor))
    (asserts! (has-role who role) ERR_NOT_HELD)
    (asserts! (or (not (is-eq role GOVERNOR)) (> (var-get governor-count) u1))
      ERR_LAST_GOVERNOR
    )
    (drop-role who role)
    (print {
      topic: "role-revoked",
      who: who,
      role: role,
      by: contract-caller,
    })
    (ok true)
  )
)

;; First step of handing governance over; a later call replaces an earlier one.
(define-public (transfer-governor (to principal))
  (begin
    (try! (assert-governor))
    (asserts! (not (has-role to GOVERNOR)) ERR_ALREADY_HELD)
    (var-set pending-transfer
      (some {
        from: contract-caller,
        to: to,
      })
    )
    (print {
      topic: "governor-transfer-offered",
      from: contract-caller,
      to: to,
    })
    (ok true)
  )
)

;; Takes an offer of governance back.
(define-public (cancel-governor-transfer)
  (let ((offer (unwrap! (var-get pending-transfer) ERR_NO_TRANSFER)))
    (try! (assert-governor))
    (var-set pending-transfer none)
    (print {
      topic: "governor-transfer-cancelled",
      from: (get from offer),
      to: (get to offer),
      by: contract-caller,
    })
    (ok true)
  )
)

;; Second step, by the principal who was named: it governs, the one who offered no longer does.
(define-public (accept-governor)
  (let (
      (offer (unwrap! (var-get pending-transfer) ERR_NO_TRANSFER))
      (from (get from offer))
    )
    (asserts! (is-eq contract-caller (get to offer)) ERR_NO_TRANSFER)
    ;; Who offered may have lost the role since; then there is nothing to hand over.
    (asserts! (has-role from GOVERNOR) ERR_NOT_HELD)
    (asserts!
      (map-insert held {
        who: contract-caller,
        role: GOVERNOR,
      } true)
      ERR_ALREADY_HELD
    )
    (var-set governor-count (+ (var-get governor-count) u1))
    (drop-role from GOVERNOR)
    (var-set pending-transfer none)
    (print {
      topic: "governor-transferred",
      from: from,
      to: contract-caller,
    })
    (ok true)
  )
)

;; Stops what other contracts choose to stop. Exits, key rotation and recovery go on.
(define-public (pause)
  (begin
    (asserts!
      (or (has-role contract-caller GUARDIAN) (has-role contract-caller GOVERNOR))
      ERR_NOT_ALLOWED
    )
    (asserts! (not (var-get paused)) ERR_PAUSED)
    (var-set paused true)
    (print {
      topic: "paused",
      by: contract-caller,
    })
    (ok true)
  )
)

;; The way back: open to every governor, whatever else is stopped.
(define-public (unpause)
  (begin
    (try! (assert-governor))
    (asserts! (var-get paused) ERR_NOT_PAUSED)
    (var-set paused false)
    (print {
      topic: "unpaused",
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Private

(define-private (assert-governor)
  (ok (asserts! (has-role contract-caller GOVERNOR) ERR_NOT_ALLOWED))
)

;; Callers have checked that the role is held and that a governor remains.
(define-private (drop-role
    (who principal)
    (role (string-ascii 24))
  )
  (begin
    (map-delete held {
      who: who,
      role: role,
    })
    (and
      (is-eq role GOVERNOR)
      (var-set governor-count (- (var-get governor-count) u1))
    )
  )
)
