;; Title: event-manager
;; Decides: which demand-response events there are, on what terms, and who gets what is in
;;   their pools. It knows nothing of meters: whether somebody used less is decided by
;;   `commitment`, what that earns by `reward-distributor`.
;; Immutable: an event's windows, target and terms, from its creation; ids 1, 2, 3 ...; an
;;   event goes announced -> started -> ended -> settled, or announced -> cancelled.
;; Who may call: holders of the role "utility" create and may cancel while commitments are
;;   open; anyone funds, starts and ends when it is time, so that no operator can hold back
;;   what was promised; reward-distributor alone settles and pays. A pause stops creation
;;   and funding, nothing else.
;; Conservation: funded = paid + refunded + what is held here, for each event and, of STX and
;;   of WATT (reward-token), in all. A pool is of one of the two.

;;;; Constants

(define-constant UTILITY "utility")
(define-constant DISTRIBUTOR .reward-distributor)

;; Commitments close, and events are announced, before the hours that adjust a baseline: 3
;; hours that end 1 hour before the event. Who knows of an event cannot raise its baseline.
(define-constant CLOSE_LEAD_S u14400)
(define-constant HOUR_S u3600)
(define-constant DAY_S u86400)
;; An event lies at most 30 days ahead.
(define-constant AHEAD_S u2592000)
(define-constant BASELINE_DAYS_MAX u10)

;; Statuses of an event.
(define-constant ANNOUNCED u0)
(define-constant STARTED u1)
(define-constant ENDED u2)
(define-constant SETTLED u3)
(define-constant CANCELLED u4)

;; New events and funds wait until the pause is over.
(define-constant ERR_PAUSED (err u900))
;; The caller does not hold the role "utility".
(define-constant ERR_NOT_UTILITY (err u901))
;; No network is in force, so there are no windows.
(define-constant ERR_NO_NETWORK (err u902))
;; An event starts and ends at multiples of the window length, and lasts at most a day.
(define-constant ERR_WINDOWS (err u903))
;; An event is announced before its adjustment hours, at most 30 days ahead.
(define-constant ERR_NOTICE (err u904))
;; An event has a target and a programme.
(define-constant ERR_TARGET (err u905))
;; The baseline has too few days or too many, or no whole window fits its adjustment.
(define-constant ERR_BASELINE (err u906))
;; No event has this id.
(define-constant ERR_UNKNOWN_EVENT (err u907))
;; The event is not in the status that this takes.
(define-constant ERR_STATUS (err u908))
;; Zero is no amount.
(define-constant ERR_AMOUNT (err u909))
;; The STX or WATT could not be moved.
(define-constant ERR_TRANSFER (err u910))
;; It is too early for that.
(define-constant ERR_TOO_EARLY (err u911))
;; An event that nobody has funded does not start.
(define-constant ERR_NO_POOL (err u912))
;; The caller is not the operator of this event, or the event can be cancelled no more.
(define-constant ERR_NOT_CANCELLABLE (err u913))
;; The caller is not reward-distributor.
(define-constant ERR_NOT_DISTRIBUTOR (err u914))
;; The caller has nothing to get back.
(define-constant ERR_NO_REFUND (err u915))

;;;; Data

(define-data-var event-count uint u0)

;; Invariants: ids are 1 .. event-count; only `status` changes; start < end, both on the
;; window grid. `zone` restricts the devices that may commit.
(define-map events
  uint
  {
    operator: principal,
    programme: (string-ascii 32),
    zone: (optional uint),
    start: uint,
    end: uint,
    window-s: uint,
    target-wh: uint,
    baseline-days: uint,
    adjusted: bool,
    status: uint,
  }
)

;; Insert-only: governance's parameters as they were when the event was created.
(define-map terms
  uint
  {
    full-reward-bps: uint,
    half-reward-bps: uint,
    reward-cap-bps: uint,
    slash-max-bps: uint,
    stake-ustx-per-kwh: uint,
    baseline-days-min: uint,
    verify-until: uint,
  }
)

;; Invariants: funded = paid + refunded + held. From the settlement on, `rewards` is what is
;; still to be paid and `rest` what is still to be refunded; before it both are 0.
;; `unrefunded` is the sum of contributions that were not refunded. All in microSTX, or, of a
;; pool `in-watt`, in units of WATT.
(define-map pools
  uint
  {
    in-watt: bool,
    funded: uint,
    paid: uint,
    refunded: uint,
    rewards: uint,
    rest: uint,
    unrefunded: uint,
  }
)

;; What each funder put in and has not been refunded for.
(define-map contributions
  {
    event: uint,
    funder: principal,
  }
  uint
)

;; Invariant: funded = paid + refunded + held here, of STX (false) and of WATT (true).
(define-map escrow
  bool
  {
    funded: uint,
    paid: uint,
    refunded: uint,
  }
)

;;;; Read-only

(define-read-only (get-event (event uint))
  (map-get? events event)
)

(define-read-only (get-terms (event uint))
  (map-get? terms event)
)

(define-read-only (get-event-count)
  (var-get event-count)
)

(define-read-only (get-pool (event uint))
  (map-get? pools event)
)

(define-read-only (get-contribution
    (event uint)
    (funder principal)
  )
  (default-to u0
    (map-get? contributions {
      event: event,
      funder: funder,
    })
  )
)

;; When commitments to an event close: where its adjustment hours begin.
(define-read-only (get-close (event uint))
  (match (map-get? events event)
    found (some (close-of (get start found)))
    none
  )
)

;; True while commitments to the event are taken and given back.
(define-read-only (is-open (event uint))
  (match (map-get? events event)
    found (and
      (is-eq (get status found) ANNOUNCED)
      (< stacks-block-time (close-of (get start found)))
    )
    false
  )
)

;; STX in, STX out to participants, STX back to funders, and what is held, in microSTX.
(define-read-only (get-escrow)
  (escrow-of false)
)

;; The same of WATT.
(define-read-only (get-token-escrow)
  (escrow-of true)
)

;; What a funder would get back now.
(define-read-only (get-refund
    (event uint)
    (funder principal)
  )
  (match (map-get? pools event)
    pool (refund-of pool (get-contribution event funder))
    u0
  )
)

;;;; Public: the life of an event

;; Announces an event: in the windows from `start` to `end` (not included) its participants
;; are to use `target-wh` less than their baselines, which are the means of their last
;; `baseline-days` days of the same type, `adjusted` to the hours before or not. Gives the id.
(define-public (create-event
    (programme (string-ascii 32))
    (zone (optional uint))
    (start uint)
    (end uint)
    (target-wh uint)
    (baseline-days uint)
    (adjusted bool)
  )
  (announce programme zone start end target-wh baseline-days adjusted false)
)

;; The same, with a pool of WATT, the reward token, instead of STX.
(define-public (create-token-event
    (programme (string-ascii 32))
    (zone (optional uint))
    (start uint)
    (end uint)
    (target-wh uint)
    (baseline-days uint)
    (adjusted bool)
  )
  (announce programme zone start end target-wh baseline-days adjusted true)
)

;; Puts `amount` of the caller, in microSTX or units of WATT, into the pool of an event that
;; has not ended.
(define-public (fund-event
    (event uint)
    (amount uint)
  )
  (let (
      (found (unwrap! (map-get? events event) ERR_UNKNOWN_EVENT))
      (pool (unwrap! (map-get? pools event) ERR_UNKNOWN_EVENT))
      (sums (sums-of (get in-watt pool)))
    )
    (try! (assert-running))
    (asserts! (> amount u0) ERR_AMOUNT)
    (asserts!
      (and (<= (get status found) STARTED) (< stacks-block-time (get end found)))
      ERR_STATUS
    )
    (try! (take amount (get in-watt pool)))
    (map-set pools event
      (merge pool {
        funded: (+ (get funded pool) amount),
        unrefunded: (+ (get unrefunded pool) amount),
      })
    )
    (map-set contributions {
      event: event,
      funder: contract-caller,
    }
      (+ (get-contribution event contract-caller) amount)
    )
    (map-set escrow (get in-watt pool) (merge sums { funded: (+ (get funded sums) amount) }))
    (print {
      topic: "event-funded",
      in-watt: (get in-watt pool),
      event: event,
      funder: contract-caller,
      amount: amount,
      pool: (+ (get funded pool) amount),
    })
    (ok (+ (get funded pool) amount))
  )
)

;; Starts a funded event once commitments are closed; from then on it cannot be cancelled.
(define-public (start-event (event uint))
  (let (
      (found (unwrap! (map-get? events event) ERR_UNKNOWN_EVENT))
      (pool (unwrap! (map-get? pools event) ERR_UNKNOWN_EVENT))
    )
    (asserts!
      (and (is-eq (get status found) ANNOUNCED) (< stacks-block-time (get end found)))
      ERR_STATUS
    )
    (asserts! (>= stacks-block-time (close-of (get start found))) ERR_TOO_EARLY)
    (asserts! (> (get funded pool) u0) ERR_NO_POOL)
    (map-set events event (merge found { status: STARTED }))
    (print {
      topic: "event-started",
      in-watt: (get in-watt pool),
      event: event,
      start: (get start found),
      end: (get end found),
      pool: (get funded pool),
      by: contract-caller,
    })
    (ok true)
  )
)

;; Ends an event when its last window is over.
(define-public (end-event (event uint))
  (let ((found (unwrap! (map-get? events event) ERR_UNKNOWN_EVENT)))
    (asserts! (is-eq (get status found) STARTED) ERR_STATUS)
    (asserts! (>= stacks-block-time (get end found)) ERR_TOO_EARLY)
    (map-set events event (merge found { status: ENDED }))
    (print {
      topic: "event-ended",
      event: event,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Calls an event off: its operator while commitments are open; anyone when it was not
;; started in all its time. Pool and stakes go back to whom they came from.
(define-public (cancel-event (event uint))
  (let (
      (found (unwrap! (map-get? events event) ERR_UNKNOWN_EVENT))
      (pool (unwrap! (map-get? pools event) ERR_UNKNOWN_EVENT))
    )
    (asserts! (is-eq (get status found) ANNOUNCED) ERR_STATUS)
    (asserts!
      (or
        (>= stacks-block-time (get end found))
        (and (is-eq contract-caller (get operator found)) (is-open event))
      )
      ERR_NOT_CANCELLABLE
    )
    (map-set events event (merge found { status: CANCELLED }))
    (map-set pools event (merge pool { rest: (get funded pool) }))
    (print {
      topic: "event-cancelled",
      event: event,
      by: contract-caller,
      rest: (get funded pool),
    })
    (ok true)
  )
)

;;;; Public: what leaves the pool

;; Sets `rewards` of the pool of an ended event aside for its participants; the rest is the
;; funders'; more than the pool is a subtraction below zero, which aborts. Called by
;; reward-distributor only.
(define-public (settle-event
    (event uint)
    (rewards uint)
  )
  (let (
      (found (unwrap! (map-get? events event) ERR_UNKNOWN_EVENT))
      (pool (unwrap! (map-get? pools event) ERR_UNKNOWN_EVENT))
    )
    (asserts! (is-eq contract-caller DISTRIBUTOR) ERR_NOT_DISTRIBUTOR)
    (asserts! (is-eq (get status found) ENDED) ERR_STATUS)
    (map-set events event (merge found { status: SETTLED }))
    (map-set pools event
      (merge pool {
        rewards: rewards,
        rest: (- (get funded pool) rewards),
      })
    )
    (print {
      topic: "event-settled",
      event: event,
      rewards: rewards,
      rest: (- (get funded pool) rewards),
    })
    (ok true)
  )
)

;; Pays `amount` of an event's rewards to a participant; more than is set aside aborts, as
;; above. Called by reward-distributor only.
(define-public (pay-reward
    (event uint)
    (to principal)
    (amount uint)
  )
  (let (
      (pool (unwrap! (map-get? pools event) ERR_UNKNOWN_EVENT))
      (sums (sums-of (get in-watt pool)))
    )
    (asserts! (is-eq contract-caller DISTRIBUTOR) ERR_NOT_DISTRIBUTOR)
    (map-set pools event
      (merge pool {
        paid: (+ (get paid pool) amount),
        rewards: (- (get rewards pool) amount),
      })
    )
    (map-set escrow (get in-watt pool) (merge sums { paid: (+ (get paid sums) amount) }))
    (try! (pay amount to (get in-watt pool)))
    (print {
      topic: "reward-paid",
      in-watt: (get in-watt pool),
      event: event,
      to: to,
      amount: amount,
    })
    (ok true)
  )
)

;; Pays a funder its share of what an event left over: rounded down for each, and the last
;; one gets what is there, so that nothing stays behind.
(define-public (claim-refund (event uint))
  (let (
      (pool (unwrap! (map-get? pools event) ERR_UNKNOWN_EVENT))
      (funder contract-caller)
      (contribution (get-contribution event funder))
      (amount (refund-of pool contribution))
      (sums (sums-of (get in-watt pool)))
    )
    (asserts! (> amount u0) ERR_NO_REFUND)
    (map-delete contributions {
      event: event,
      funder: funder,
    })
    (map-set pools event
      (merge pool {
        refunded: (+ (get refunded pool) amount),
        rest: (- (get rest pool) amount),
        unrefunded: (- (get unrefunded pool) contribution),
      })
    )
    (map-set escrow (get in-watt pool) (merge sums { refunded: (+ (get refunded sums) amount) }))
    (try! (pay amount funder (get in-watt pool)))
    (print {
      topic: "refund-paid",
      in-watt: (get in-watt pool),
      event: event,
      funder: funder,
      amount: amount,
    })
    (ok amount)
  )
)

;;;; Private

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

(define-private (announce
    (programme (string-ascii 32))
    (zone (optional uint))
    (start uint)
    (end uint)
    (target-wh uint)
    (baseline-days uint)
    (adjusted bool)
    (in-watt bool)
  )
  (let (
      (event (+ (var-get event-count) u1))
      (network (unwrap! (contract-call? .production-oracle get-epoch-keys u1) ERR_NO_NETWORK))
      (window-s (get window-s network))
      (entry {
        operator: contract-caller,
        programme: programme,
        zone: zone,
        start: start,
        end: end,
        window-s: window-s,
        target-wh: target-wh,
        baseline-days: baseline-days,
        adjusted: adjusted,
        status: ANNOUNCED,
      })
    )
    (try! (assert-running))
    (asserts! (contract-call? .roles has-role contract-caller UTILITY) ERR_NOT_UTILITY)
    (asserts!
      (and
        (is-eq (mod start window-s) u0)
        (is-eq (mod end window-s) u0)
        (< start end)
        (<= (- end start) DAY_S)
      )
      ERR_WINDOWS
    )
    (asserts!
      (and
        (< (+ stacks-block-time CLOSE_LEAD_S) start)
        (<= start (+ stacks-block-time AHEAD_S))
      )
      ERR_NOTICE
    )
    (asserts! (and (> target-wh u0) (> (len programme) u0)) ERR_TARGET)
    (let (
        (agreed {
          full-reward-bps: (contract-call? .governance get-parameter "full-reward-bps"),
          half-reward-bps: (contract-call? .governance get-parameter "half-reward-bps"),
          reward-cap-bps: (contract-call? .governance get-parameter "reward-cap-bps"),
          slash-max-bps: (contract-call? .governance get-parameter "slash-max-bps"),
          stake-ustx-per-kwh: (contract-call? .governance get-parameter "stake-ustx-per-kwh"),
          baseline-days-min: (contract-call? .governance get-parameter "baseline-days-min"),
          verify-until: (+ end (contract-call? .governance get-parameter "verify-period-s")),
        })
      )
      (asserts!
        (and
          (>= baseline-days (get baseline-days-min agreed))
          (<= baseline-days BASELINE_DAYS_MAX)
          (or (not adjusted) (is-eq (mod HOUR_S window-s) u0))
        )
        ERR_BASELINE
      )
      (map-insert events event entry)
      (map-insert terms event agreed)
      (map-insert pools event {
        in-watt: in-watt,
        funded: u0,
        paid: u0,
        refunded: u0,
        rewards: u0,
        rest: u0,
        unrefunded: u0,
      })
      (var-set event-count event)
      (print {
        topic: "event-created",
        event: event,
        in-watt: in-watt,
        entry: entry,
        terms: agreed,
      })
      (ok event)
    )
  )
)

;; An event starts later than this after its creation, so the difference is a time.
(define-private (close-of (start uint))
  (- start CLOSE_LEAD_S)
)

(define-private (refund-of
    (pool {
      in-watt: bool,
      funded: uint,
      paid: uint,
      refunded: uint,
      rewards: uint,
      rest: uint,
      unrefunded: uint,
    })
    (contribution uint)
  )
  (if (> contribution u0)
    (/ (* (get rest pool) contribution) (get unrefunded pool))
    u0
  )
)

(define-private (sums-of (in-watt bool))
  (default-to {
    funded: u0,
    paid: u0,
    refunded: u0,
  }
    (map-get? escrow in-watt)
  )
)

(define-private (escrow-of (in-watt bool))
  (let ((sums (sums-of in-watt)))
    (merge sums { held: (- (get funded sums) (get paid sums) (get refunded sums)) })
  )
)

(define-private (take
    (amount uint)
    (in-watt bool)
  )
  (ok (if in-watt
    (unwrap!
      (contract-call? .reward-token transfer amount contract-caller current-contract none)
      ERR_TRANSFER
    )
    (unwrap! (stx-transfer? amount contract-caller current-contract) ERR_TRANSFER)
  ))
)

(define-private (pay
    (amount uint)
    (to principal)
    (in-watt bool)
  )
  (ok (if in-watt
    (unwrap!
      (as-contract? ((with-ft .reward-token "watt" amount))
        (unwrap! (contract-call? .reward-token transfer amount current-contract to none)
          ERR_TRANSFER
        )
      )
      ERR_TRANSFER
    )
    (unwrap!
      (as-contract? ((with-stx amount))
        (unwrap! (stx-transfer? amount current-contract to) ERR_TRANSFER)
      )
      ERR_TRANSFER
    )
  ))
)
