;; Title: reward-distributor
;; Decides: how the pool of an ended event is shared out. It holds no money: event-manager
;;   pays the rewards, `commitment` gives the stakes back or burns them, both at its word.
;; Immutable: a distribution and a payout are made once. Rewards go to owners of commitments
;;   only, and are never more than the pool.
;; Who may call: anyone, once every commitment is judged or the time to verify is over; what
;;   is paid goes to whom it belongs, whoever calls. The pause does not reach here.
;; The share: if the credited reductions reach the event's target, they share the whole
;;   pool; if not, each Wh earns pool / target, and the rest is the funders' again.

;;;; Constants

;; No event has this id.
(define-constant ERR_UNKNOWN_EVENT (err u950))
;; Commitments wait to be judged, and there is time left for it.
(define-constant ERR_TOO_EARLY (err u951))
;; The event is not distributed.
(define-constant ERR_NOT_DISTRIBUTED (err u952))

;;;; Data

;; Insert-only but for `left` and `credited-left`: what is unpaid, and to how many credited
;; Wh. Invariant: left <= the rewards that event-manager has set aside.
(define-map distributions
  uint
  {
    rewards: uint,
    credited-wh: uint,
    left: uint,
    credited-left: uint,
  }
)

;; Insert-only.
(define-map payouts
  {
    event: uint,
    device: uint,
  }
  {
    owner: principal,
    reward: uint,
    stake-returned: uint,
    stake-slashed: uint,
  }
)

;;;; Read-only

(define-read-only (get-distribution (event uint))
  (map-get? distributions event)
)

;; What a commitment was paid; none before it is claimed.
(define-read-only (get-payout
    (event uint)
    (device uint)
  )
  (map-get? payouts {
    event: event,
    device: device,
  })
)

;; What a claim would pay now beside the stake.
(define-read-only (get-claimable
    (event uint)
    (device uint)
  )
  (match (map-get? distributions event)
    share (if (is-some (get-payout event device))
      u0
      (reward-of share
        (default-to u0
          (get credited-wh (contract-call? .commitment get-compliance event device))
        ))
    )
    u0
  )
)

;;;; Public

;; Fixes the rewards of an ended event, and frees the rest for its funders.
(define-public (distribute (event uint))
  (let (
      (found (unwrap! (contract-call? .event-manager get-event event) ERR_UNKNOWN_EVENT))
      (terms (unwrap! (contract-call? .event-manager get-terms event) ERR_UNKNOWN_EVENT))
      (pool (unwrap! (contract-call? .event-manager get-pool event) ERR_UNKNOWN_EVENT))
      (sums (contract-call? .commitment get-totals event))
      (credited-wh (get credited-wh sums))
      (target-wh (get target-wh found))
      (rewards (/ (* (get funded pool) credited-wh)
        (if (> credited-wh target-wh)
          credited-wh
          target-wh
        )))
    )
    (asserts!
      (or
        (is-eq (get judged sums) (get commitments sums))
        (> stacks-block-time (get verify-until terms))
      )
      ERR_TOO_EARLY
    )
    ;; Refuses an event that has not ended, or is settled.
    (try! (contract-call? .event-manager settle-event event rewards))
    (map-insert distributions event {
      rewards: rewards,
      credited-wh: credited-wh,
      left: rewards,
      credited-left: credited-wh,
    })
    (print {
      topic: "distributed",
      event: event,
      pool: (get funded pool),
      target-wh: target-wh,
      credited-wh: credited-wh,
      rewards: rewards,
    })
    (ok rewards)
  )
)

;; Pays a commitment's reward and settles its stake. Each share is rounded down of what is
;; left, so the last one gets what roundings have left, and nothing stays behind.
(define-public (claim-reward
    (event uint)
    (device uint)
  )
  (let (
      (share (unwrap! (map-get? distributions event) ERR_NOT_DISTRIBUTED))
      (settled (try! (contract-call? .commitment settle event device)))
      (credited-wh (get credited-wh settled))
      (owner (get owner settled))
      (reward (reward-of share credited-wh))
      (payout {
        owner: owner,
        reward: reward,
        stake-returned: (get returned settled),
        stake-slashed: (get slashed settled),
      })
    )
    (map-set distributions event
      (merge share {
        left: (- (get left share) reward),
        credited-left: (- (get credited-left share) credited-wh),
      })
    )
    (map-insert payouts {
      event: event,
      device: device,
    }
      payout
    )
    (and
      (> reward u0)
      (try! (contract-call? .event-manager pay-reward event owner reward))
    )
    (print {
      topic: "reward-claimed",
      event: event,
      device: device,
      payout: payout,
      by: contract-caller,
    })
    (ok payout)
  )
)

;;;; Private

(define-private (reward-of
    (share {
      rewards: uint,
      credited-wh: uint,
      left: uint,
      credited-left: uint,
    })
    (credited-wh uint)
  )
  (if (is-eq credited-wh u0)
    u0
    (/ (* (get left share) credited-wh) (get credited-left share))
  )
)
