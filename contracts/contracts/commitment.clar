;; Title: commitment
;; Decides: what participants of demand-response events have promised, with what at stake,
;;   and how far attested energy shows that they kept it. It holds the stakes.
;; Immutable: a commitment once its event's commitments close; a judgement of compliance;
;;   the terms, which are the event's. A device is in one event a day: no Wh is saved twice.
;; Who may call: the owner of a verified meter commits and withdraws; anyone records proven
;;   readings, and judges by them once all are there; the owner alone may be judged by less.
;;   reward-distributor alone settles. A pause stops new commitments, nothing else.
;; Conservation: staked = returned + slashed (burned) + what is held here.
;;
;; Energy is the difference of two proven import registers, so two leaves speak for any
;; number of windows between them. The baseline of an event is the mean of the same hours of
;; the last days of its type (Monday to Friday, or weekend, in UTC) on which the device was
;; in no event: chosen here, when the commitment is made, so that nobody picks high days.
;; A day of which the owner shows no reading counts as 0 Wh; one whose windows the network
;; did not attest, or whose readings are estimated, does not count. Whatever is missing
;; costs the owner, never the pool; and a home is not slashed inside its baseline's error.

;;;; Constants

(define-constant DISTRIBUTOR .reward-distributor)
(define-constant METER u1)
(define-constant BPS u10000)
(define-constant DAY_S u86400)
(define-constant HOUR_S u3600)
;; The hours that adjust a baseline: from 4 hours to 1 hour before the event.
(define-constant ADJUST_FROM_S u14400)
(define-constant ADJUST_TO_S u3600)
;; An adjustment moves a baseline by a fifth at most.
(define-constant ADJUST_MIN_BPS u8000)
(define-constant ADJUST_MAX_BPS u12000)
;; How much of a reduction counts in the middle tier.
(define-constant HALF_BPS u5000)
;; A window that is not attested a day after the event is an outage, in seconds.
(define-constant OUTAGE_S u86400)

;; Statuses of an event, as event-manager has them.
(define-constant STARTED u1)
(define-constant ENDED u2)
(define-constant CANCELLED u4)

;; Qualities that count (ESPI): validated and derived. Estimated and questionable do not.
(define-constant SOUND (list u0 u17 u18 u19 u7 u11 u13 u15))

;; How many days back a baseline is looked for.
(define-constant LOOK_BACK (list
  u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 u13 u14 u15 u16 u17 u18 u19 u20 u21 u22 u23
  u24 u25 u26 u27 u28 u29 u30 u31 u32 u33 u34 u35 u36 u37 u38 u39 u40 u41 u42 u43 u44 u45
))

;; New commitments wait until the pause is over.
(define-constant ERR_PAUSED (err u920))
;; No event has this id.
(define-constant ERR_UNKNOWN_EVENT (err u921))
;; Commitments to this event are closed.
(define-constant ERR_CLOSED (err u922))
;; The device is no meter that is verified now and until the event's end.
(define-constant ERR_NOT_VERIFIED (err u923))
;; The caller is not the owner.
(define-constant ERR_NOT_OWNER (err u924))
;; The event is for another zone.
(define-constant ERR_OTHER_ZONE (err u925))
;; A commitment is above 0 and at most what the device can carry in that time.
(define-constant ERR_COMMITTED_WH (err u926))
;; The stake is smaller than the event's terms ask.
(define-constant ERR_STAKE (err u927))
;; The device is committed to an event of that day.
(define-constant ERR_DAY_TAKEN (err u928))
;; Events have taken so many days that no baseline is left.
(define-constant ERR_BASELINE (err u929))
;; The STX could not be moved.
(define-constant ERR_TRANSFER (err u930))
;; The device is not committed to this event.
(define-constant ERR_UNKNOWN_COMMITMENT (err u931))
;; No readings are given.
(define-constant ERR_NO_READINGS (err u932))
;; The event is not over, or the time to verify is.
(define-constant ERR_NOT_NOW (err u933))
;; The commitment is judged already.
(define-constant ERR_JUDGED (err u934))
;; The readings do not cover the event, or cover more and it is not the owner who asks.
(define-constant ERR_SPAN (err u935))
;; A reading that this takes is not recorded.
(define-constant ERR_NOT_RECORDED (err u936))
;; A reading of the event is estimated or questionable.
(define-constant ERR_QUALITY (err u937))
;; The register went back: the meter was exchanged or rolled over.
(define-constant ERR_REGISTER (err u938))
;; Nothing excuses the commitment.
(define-constant ERR_NO_EXCUSE (err u939))
;; The caller is not reward-distributor.
(define-constant ERR_NOT_DISTRIBUTOR (err u940))
;; The commitment is settled already.
(define-constant ERR_SETTLED (err u941))

;;;; Data

;; Invariants: the stake of each that is not settled is held here; `days` are offsets back
;; from the event, ascending, as many as the event's baseline has.
(define-map commitments
  {
    event: uint,
    device: uint,
  }
  {
    owner: principal,
    committed-wh: uint,
    stake: uint,
    days: (list 10 uint),
    settled: bool,
  }
)

;; Invariant: exactly the days on which a device is committed to an event, and to which.
(define-map busy-days
  {
    device: uint,
    day: uint,
  }
  uint
)

;; Proven import registers at the end of a window. A newer revision replaces an older.
(define-map readings
  {
    usage-point: uint,
    window: uint,
  }
  {
    revision: uint,
    import-register: uint,
    quality: uint,
  }
)

;; Insert-only: the judgement of a commitment.
(define-map compliance
  {
    event: uint,
    device: uint,
  }
  {
    excused: bool,
    days: uint,
    adjustment-bps: uint,
    baseline-wh: uint,
    actual-wh: uint,
    reduction-wh: uint,
    error-wh: uint,
    performance-bps: uint,
    credited-wh: uint,
    slash: uint,
  }
)

;; Invariant: sums over the commitments of an event and over its judgements.
(define-map totals
  uint
  {
    commitments: uint,
    committed-wh: uint,
    judged: uint,
    credited-wh: uint,
  }
)

;; Invariant: staked = returned + slashed + held here.
(define-data-var escrow {
  staked: uint,
  returned: uint,
  slashed: uint,
} {
  staked: u0,
  returned: u0,
  slashed: u0,
})

;;;; Read-only

(define-read-only (get-commitment
    (event uint)
    (device uint)
  )
  (map-get? commitments {
    event: event,
    device: device,
  })
)

(define-read-only (get-compliance
    (event uint)
    (device uint)
  )
  (map-get? compliance {
    event: event,
    device: device,
  })
)

(define-read-only (get-totals (event uint))
  (default-to {
    commitments: u0,
    committed-wh: u0,
    judged: u0,
    credited-wh: u0,
  }
    (map-get? totals event)
  )
)

(define-read-only (get-reading
    (usage-point uint)
    (window uint)
  )
  (map-get? readings {
    usage-point: usage-point,
    window: window,
  })
)

;; The event that a device is committed to on a day (days since 1970, UTC).
(define-read-only (get-busy-day
    (device uint)
    (day uint)
  )
  (map-get? busy-days {
    device: device,
    day: day,
  })
)

;; Stake in, stake back, stake burned and what is held, in microSTX.
(define-read-only (get-escrow)
  (let ((sums (var-get escrow)))
    (merge sums { held: (- (get staked sums) (get returned sums) (get slashed sums)) })
  )
)

;; The least stake for a commitment to an event, in microSTX, rounded up.
(define-read-only (get-stake-needed
    (event uint)
    (committed-wh uint)
  )
  (match (contract-call? .event-manager get-terms event)
    terms (some (/ (+ (* committed-wh (get stake-ustx-per-kwh terms)) u999) u1000))
    none
  )
)

;; The days whose same hours are the baseline of a device for an event, as offsets back
;; from it: fewer than `wanted` if there are no more within 45 days.
(define-read-only (get-baseline-days
    (device uint)
    (start uint)
    (end uint)
    (wanted uint)
  )
  (get days
    (fold add-day LOOK_BACK {
      device: device,
      start: start,
      last: (- end u1),
      wanted: wanted,
      days: (list),
    })
  )
)

;;;; Public: promises

;; Promises that the caller's meter will use `committed-wh` less than its baseline, with
;; `stake` microSTX on it.
(define-public (commit
    (event uint)
    (device uint)
    (committed-wh uint)
    (stake uint)
  )
  (let (
      (found (unwrap! (contract-call? .event-manager get-event event) ERR_UNKNOWN_EVENT))
      (asset (unwrap! (contract-call? .registration get-device device) ERR_NOT_VERIFIED))
      (start (get start found))
      (end (get end found))
      ;; First of all, so that what follows cannot overflow.
      (needed (begin
        (asserts!
          (and
            (> committed-wh u0)
            (<= committed-wh (/ (* (get capacity-w asset) (- end start)) HOUR_S))
          )
          ERR_COMMITTED_WH
        )
        (unwrap! (get-stake-needed event committed-wh) ERR_UNKNOWN_EVENT)
      ))
      (days (get-baseline-days device start end (get baseline-days found)))
      (sums (get-totals event))
      (money (var-get escrow))
    )
    (try! (assert-running))
    (asserts! (contract-call? .event-manager is-open event) ERR_CLOSED)
    (asserts! (is-eq contract-caller (get owner asset)) ERR_NOT_OWNER)
    (asserts!
      (and
        (is-eq (get kind asset) METER)
        (contract-call? .registration is-verified-at device stacks-block-time)
        (contract-call? .registration is-verified-at device end)
      )
      ERR_NOT_VERIFIED
    )
    (asserts!
      (match (get zone found)
        zone (is-eq zone (get zone asset))
        true
      )
      ERR_OTHER_ZONE
    )
    (asserts! (and (> stake u0) (>= stake needed)) ERR_STAKE)
    (asserts! (is-eq (len days) (get baseline-days found)) ERR_BASELINE)
    (asserts! (take-days event device start (- end u1)) ERR_DAY_TAKEN)
    (unwrap! (stx-transfer? stake contract-caller current-contract) ERR_TRANSFER)
    (map-insert commitments {
      event: event,
      device: device,
    } {
      owner: contract-caller,
      committed-wh: committed-wh,
      stake: stake,
      days: days,
      settled: false,
    })
    (map-set totals event
      (merge sums {
        commitments: (+ (get commitments sums) u1),
        committed-wh: (+ (get committed-wh sums) committed-wh),
      })
    )
    (var-set escrow (merge money { staked: (+ (get staked money) stake) }))
    (print {
      topic: "committed",
      event: event,
      device: device,
      owner: contract-caller,
      committed-wh: committed-wh,
      stake: stake,
      days: days,
    })
    (ok true)
  )
)

;; Takes a commitment and its stake back: while commitments are open, or when the event was
;; cancelled.
(define-public (withdraw-commitment
    (event uint)
    (device uint)
  )
  (let (
      (found (unwrap! (contract-call? .event-manager get-event event) ERR_UNKNOWN_EVENT))
      (promise (unwrap! (get-commitment event device) ERR_UNKNOWN_COMMITMENT))
      (owner (get owner promise))
      (stake (get stake promise))
      (sums (get-totals event))
      (money (var-get escrow))
    )
    (asserts! (is-eq contract-caller owner) ERR_NOT_OWNER)
    (asserts!
      (or
        (contract-call? .event-manager is-open event)
        (is-eq (get status found) CANCELLED)
      )
      ERR_CLOSED
    )
    (map-delete commitments {
      event: event,
      device: device,
    })
    (map-delete busy-days {
      device: device,
      day: (/ (get start found) DAY_S),
    })
    (map-delete busy-days {
      device: device,
      day: (/ (- (get end found) u1) DAY_S),
    })
    (map-set totals event
      (merge sums {
        commitments: (- (get commitments sums) u1),
        committed-wh: (- (get committed-wh sums) (get committed-wh promise)),
      })
    )
    (var-set escrow (merge money { returned: (+ (get returned money) stake) }))
    (try! (pay stake owner))
    (print {
      topic: "commitment-withdrawn",
      event: event,
      device: device,
      owner: owner,
      stake: stake,
    })
    (ok stake)
  )
)

;;;; Public: proof

;; Records the registers of proven leaves, by anyone, for any device: those at the end of
;; the window before a span, and of its last window, give the span's energy.
(define-public (record-readings (proofs (list 24 {
  revision: uint,
  zone: uint,
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
})))
  (let ((recorded (try! (fold record-reading proofs (ok (list))))))
    (asserts! (> (len recorded) u0) ERR_NO_READINGS)
    (print {
      topic: "readings-recorded",
      readings: recorded,
      by: contract-caller,
    })
    (ok (len recorded))
  )
)

;; Judges a commitment by the recorded readings at the ends of windows `from` and `to`: the
;; window before the event and its last one. Its owner may name wider ones, where a leaf at
;; the edge is missing, and may go without some days; anyone else needs all, and exactly.
(define-public (verify-commitment
    (event uint)
    (device uint)
    (from uint)
    (to uint)
  )
  (let (
      (found (unwrap! (contract-call? .event-manager get-event event) ERR_UNKNOWN_EVENT))
      (terms (unwrap! (contract-call? .event-manager get-terms event) ERR_UNKNOWN_EVENT))
      (promise (unwrap! (get-commitment event device) ERR_UNKNOWN_COMMITMENT))
      (by-owner (is-eq contract-caller (get owner promise)))
      (window-s (get window-s found))
      (first (- (get start found) window-s))
      (last (- (get end found) window-s))
    )
    (try! (assert-judgeable found terms event device))
    (asserts!
      (if by-owner
        (and (<= from first) (>= to last))
        (and (is-eq from first) (is-eq to last))
      )
      ERR_SPAN
    )
    (let (
        (actual-wh (try! (get-actual device from to)))
        (baseline (fold add-baseline-day (get days promise) {
          device: device,
          first: first,
          last: last,
          adjusted: (get adjusted found),
          adjust-first: (- first ADJUST_FROM_S),
          adjust-last: (- first ADJUST_TO_S),
          days: u0,
          missing: u0,
          sum: u0,
          squares: u0,
          adjust-sum: u0,
          adjust-missing: u0,
        }))
        (days (get days baseline))
        (adjustment (adjustment-of device baseline))
        (complete (and (is-eq (get missing baseline) u0) (get complete adjustment)))
        (enough (>= days (get baseline-days-min terms)))
        (baseline-wh (if enough
          (/ (* (get sum baseline) (get ratio-bps adjustment)) (* days BPS))
          u0
        ))
        (reduction-wh (if (> baseline-wh actual-wh)
          (- baseline-wh actual-wh)
          u0
        ))
        (error-wh (if (and enough complete)
          (deviation-of (get sum baseline) (get squares baseline) days)
          u0
        ))
        (performance-bps (contract-call? .verification-engine performance-of baseline-wh actual-wh
          (get committed-wh promise)
        ))
      )
      (asserts! (or by-owner (and enough complete)) ERR_NOT_RECORDED)
      (judge event device {
        excused: (not enough),
        days: days,
        adjustment-bps: (get ratio-bps adjustment),
        baseline-wh: baseline-wh,
        actual-wh: actual-wh,
        reduction-wh: reduction-wh,
        error-wh: error-wh,
        performance-bps: performance-bps,
        credited-wh: (credit-of reduction-wh performance-bps (get committed-wh promise) terms),
        slash: (if enough
          (slash-of promise reduction-wh performance-bps error-wh terms)
          u0
        ),
      })
    )
  )
)

;; Excuses a commitment, with its stake and without a reward: if `window`, of the event or
;; the one before, is void or was not attested for a day after it; or if the reading at the
;; event's first or last edge is estimated. Owner only.
(define-public (excuse-commitment
    (event uint)
    (device uint)
    (window uint)
  )
  (let (
      (found (unwrap! (contract-call? .event-manager get-event event) ERR_UNKNOWN_EVENT))
      (terms (unwrap! (contract-call? .event-manager get-terms event) ERR_UNKNOWN_EVENT))
      (promise (unwrap! (get-commitment event device) ERR_UNKNOWN_COMMITMENT))
      (window-s (get window-s found))
      (first (- (get start found) window-s))
      (last (- (get end found) window-s))
    )
    (asserts! (is-eq contract-caller (get owner promise)) ERR_NOT_OWNER)
    (try! (assert-judgeable found terms event device))
    (asserts!
      (and
        (>= window first)
        (<= window last)
        (is-eq (mod window window-s) u0)
        (or
          (and
            (>= stacks-block-time (+ (get end found) OUTAGE_S))
            (not (has-summary window))
          )
          (and
            (or (is-eq window first) (is-eq window last))
            (match (get-reading device window)
              reading (not (is-sound reading))
              false
            )
          )
        )
      )
      ERR_NO_EXCUSE
    )
    (judge event device {
      excused: true,
      days: u0,
      adjustment-bps: BPS,
      baseline-wh: u0,
      actual-wh: u0,
      reduction-wh: u0,
      error-wh: u0,
      performance-bps: u0,
      credited-wh: u0,
      slash: u0,
    })
  )
)

;; Gives a commitment's stake back, less what is slashed, which is burned: nobody gains from
;; another's failure. One that nobody has judged was not kept. reward-distributor only.
(define-public (settle
    (event uint)
    (device uint)
  )
  (let (
      (terms (unwrap! (contract-call? .event-manager get-terms event) ERR_UNKNOWN_EVENT))
      (promise (unwrap! (get-commitment event device) ERR_UNKNOWN_COMMITMENT))
      (judged (get-compliance event device))
      (stake (get stake promise))
      (slashed (match judged
        judgement (get slash judgement)
        (share-up stake (get slash-max-bps terms) BPS)
      ))
      (returned (- stake slashed))
      (money (var-get escrow))
    )
    (asserts! (is-eq contract-caller DISTRIBUTOR) ERR_NOT_DISTRIBUTOR)
    (asserts! (not (get settled promise)) ERR_SETTLED)
    (map-set commitments {
      event: event,
      device: device,
    }
      (merge promise { settled: true })
    )
    (var-set escrow
      (merge money {
        returned: (+ (get returned money) returned),
        slashed: (+ (get slashed money) slashed),
      })
    )
    (try! (pay returned (get owner promise)))
    (try! (burn slashed))
    (print {
      topic: "commitment-settled",
      event: event,
      device: device,
      owner: (get owner promise),
      returned: returned,
      slashed: slashed,
    })
    (ok {
      owner: (get owner promise),
      credited-wh: (default-to u0 (get credited-wh judged)),
      returned: returned,
      slashed: slashed,
    })
  )
)

;;;; Private: promises

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

;; 0 Monday to Friday, 1 weekend: 1 January 1970 was a Thursday.
(define-private (type-of-day (day uint))
  (let ((weekday (mod (+ day u4) u7)))
    (if (or (is-eq weekday u0) (is-eq weekday u6))
      u1
      u0
    )
  )
)

(define-private (add-day
    (back uint)
    (search {
      device: uint,
      start: uint,
      last: uint,
      wanted: uint,
      days: (list 10 uint),
    })
  )
  (let (
      (device (get device search))
      (start (get start search))
      (day (- (/ start DAY_S) back))
    )
    (if (and
        (< (len (get days search)) (get wanted search))
        (is-eq (type-of-day day) (type-of-day (/ start DAY_S)))
        (is-none (get-busy-day device day))
        (is-none (get-busy-day device (- (/ (get last search) DAY_S) back)))
      )
      (merge search { days: (default-to (get days search)
        (as-max-len? (append (get days search) back) u10)
      ) })
      search
    )
  )
)

;; Both days of an event that goes over midnight. False if one is taken.
(define-private (take-days
    (event uint)
    (device uint)
    (start uint)
    (last uint)
  )
  (let (
      (first-day (/ start DAY_S))
      (last-day (/ last DAY_S))
    )
    (and
      (map-insert busy-days {
        device: device,
        day: first-day,
      }
        event
      )
      (or
        (is-eq first-day last-day)
        (map-insert busy-days {
          device: device,
          day: last-day,
        }
          event
        )
      )
    )
  )
)

;;;; Private: proof

(define-private (record-reading
    (proof {
      revision: uint,
      zone: uint,
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
    })
    (recorded (response (list 24 {
      usage-point: uint,
      window: uint,
      import-register: uint,
    }) uint))
  )
  (let (
      (so-far (try! recorded))
      (leaf (get leaf proof))
      (reading {
        usage-point: (get usage-point leaf),
        window: (get window leaf),
        import-register: (get import-register leaf),
      })
    )
    ;; Only the newest revision passes, so what is recorded never goes back to an older.
    (try! (contract-call? .verification-engine verify-leaf (get revision proof)
      (get zone proof) leaf (get index proof) (get siblings proof)
    ))
    (map-set readings {
      usage-point: (get usage-point leaf),
      window: (get window leaf),
    } {
      revision: (get revision proof),
      import-register: (get import-register leaf),
      quality: (get quality leaf),
    })
    (ok (default-to so-far (as-max-len? (append so-far reading) u24)))
  )
)

(define-private (is-sound (reading {
  revision: uint,
  import-register: uint,
  quality: uint,
}))
  (is-some (index-of? SOUND (get quality reading)))
)

;; True if the newest revision of the window is attested, and not as void. Few windows are
;; restated, so the last revision is looked for only where there is more than one.
(define-private (has-summary (window uint))
  (match (contract-call? .production-oracle get-attestation window u0)
    first (is-some (get summary
      (if (is-none (contract-call? .production-oracle get-attestation window u1))
        first
        (unwrap!
          (contract-call? .production-oracle get-attestation window
            (default-to u0 (contract-call? .production-oracle get-latest-revision window))
          )
          false
        )
      )))
    false
  )
)

(define-private (assert-judgeable
    (found {
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
    })
    (terms {
      full-reward-bps: uint,
      half-reward-bps: uint,
      reward-cap-bps: uint,
      slash-max-bps: uint,
      stake-ustx-per-kwh: uint,
      baseline-days-min: uint,
      verify-until: uint,
    })
    (event uint)
    (device uint)
  )
  (begin
    (asserts!
      (and
        (or (is-eq (get status found) STARTED) (is-eq (get status found) ENDED))
        (>= stacks-block-time (get end found))
        (<= stacks-block-time (get verify-until terms))
      )
      ERR_NOT_NOW
    )
    (ok (asserts! (is-none (get-compliance event device)) ERR_JUDGED))
  )
)

(define-private (get-actual
    (device uint)
    (from uint)
    (to uint)
  )
  (let (
      (before (unwrap! (get-reading device from) ERR_NOT_RECORDED))
      (after (unwrap! (get-reading device to) ERR_NOT_RECORDED))
    )
    (asserts! (and (is-sound before) (is-sound after)) ERR_QUALITY)
    (asserts! (>= (get import-register after) (get import-register before))
      ERR_REGISTER
    )
    (ok (- (get import-register after) (get import-register before)))
  )
)

;; What is known of the energy between the ends of two windows.
(define-private (span-of
    (device uint)
    (from uint)
    (to uint)
  )
  (match (get-reading device from)
    before (match (get-reading device to)
      after (let (
          (counts (and
            (is-sound before)
            (is-sound after)
            (>= (get import-register after) (get import-register before))
          ))
        )
        {
          counts: counts,
          missing: false,
          wh: (if counts
            (- (get import-register after) (get import-register before))
            u0
          ),
        }
      )
      (unread to)
    )
    (if (is-none (get-reading device to))
      (let ((span (unread from)))
        (if (get missing span)
          (unread to)
          span
        )
      )
      (unread from)
    )
  )
)

;; A reading that is not there: missing, unless its window has none for anybody.
(define-private (unread (window uint))
  (let ((missing (has-summary window)))
    {
      counts: missing,
      missing: missing,
      wh: u0,
    }
  )
)

(define-private (add-baseline-day
    (back uint)
    (so-far {
      device: uint,
      first: uint,
      last: uint,
      adjusted: bool,
      adjust-first: uint,
      adjust-last: uint,
      days: uint,
      missing: uint,
      sum: uint,
      squares: uint,
      adjust-sum: uint,
      adjust-missing: uint,
    })
  )
  (let (
      (device (get device so-far))
      (earlier (* back DAY_S))
      (span (span-of device (- (get first so-far) earlier) (- (get last so-far) earlier)))
      (wh (get wh span))
    )
    (if (get counts span)
      (let ((adjust (if (get adjusted so-far)
          (span-of device (- (get adjust-first so-far) earlier)
            (- (get adjust-last so-far) earlier)
          )
          {
            counts: true,
            missing: false,
            wh: u0,
          }
        )))
        (merge so-far {
          days: (+ (get days so-far) u1),
          missing: (+ (get missing so-far) (if (get missing span)
            u1
            u0
          )),
          sum: (+ (get sum so-far) wh),
          squares: (+ (get squares so-far) (* wh wh)),
          adjust-sum: (+ (get adjust-sum so-far) (get wh adjust)),
          adjust-missing: (+ (get adjust-missing so-far)
            (if (and (get counts adjust) (not (get missing adjust)))
              u0
              u1
            )),
        })
      )
      so-far
    )
  )
)

;; How the hours before the event compare with those of the baseline's days, within bounds.
;; If any of them is not known, the ratio is the lowest: a gap never raises a baseline.
(define-private (adjustment-of
    (device uint)
    (baseline {
      device: uint,
      first: uint,
      last: uint,
      adjusted: bool,
      adjust-first: uint,
      adjust-last: uint,
      days: uint,
      missing: uint,
      sum: uint,
      squares: uint,
      adjust-sum: uint,
      adjust-missing: uint,
    })
  )
  (if (get adjusted baseline)
    (let ((today (span-of device (get adjust-first baseline) (get adjust-last baseline))))
      (if (and
          (get counts today)
          (not (get missing today))
          (is-eq (get adjust-missing baseline) u0)
        )
        {
          complete: true,
          ratio-bps: (if (is-eq (get adjust-sum baseline) u0)
            BPS
            (smaller ADJUST_MAX_BPS
              (larger ADJUST_MIN_BPS
                (/ (* (get wh today) (get days baseline) BPS) (get adjust-sum baseline))
              ))
          ),
        }
        {
          complete: false,
          ratio-bps: ADJUST_MIN_BPS,
        }
      )
    )
    {
      complete: true,
      ratio-bps: BPS,
    }
  )
)

;; The standard deviation of the baseline's days: how far a home is from its own mean.
(define-private (deviation-of
    (sum uint)
    (squares uint)
    (days uint)
  )
  (/ (sqrti (- (* days squares) (* sum sum))) days)
)

(define-private (credit-of
    (reduction-wh uint)
    (performance-bps uint)
    (committed-wh uint)
    (terms {
      full-reward-bps: uint,
      half-reward-bps: uint,
      reward-cap-bps: uint,
      slash-max-bps: uint,
      stake-ustx-per-kwh: uint,
      baseline-days-min: uint,
      verify-until: uint,
    })
  )
  (if (>= performance-bps (get full-reward-bps terms))
    (smaller reduction-wh (/ (* committed-wh (get reward-cap-bps terms)) BPS))
    (if (>= performance-bps (get half-reward-bps terms))
      (/ (* reduction-wh HALF_BPS) BPS)
      u0
    )
  )
)

;; Below the half-reward tier the stake is lost in proportion to what is missing to it,
;; rounded up; unless that is no more than the baseline's own error.
(define-private (slash-of
    (promise {
      owner: principal,
      committed-wh: uint,
      stake: uint,
      days: (list 10 uint),
      settled: bool,
    })
    (reduction-wh uint)
    (performance-bps uint)
    (error-wh uint)
    (terms {
      full-reward-bps: uint,
      half-reward-bps: uint,
      reward-cap-bps: uint,
      slash-max-bps: uint,
      stake-ustx-per-kwh: uint,
      baseline-days-min: uint,
      verify-until: uint,
    })
  )
  (let ((half-bps (get half-reward-bps terms)))
    (if (or
        (>= performance-bps half-bps)
        (>= (+ reduction-wh error-wh) (/ (* (get committed-wh promise) half-bps) BPS))
      )
      u0
      (share-up (get stake promise)
        (* (get slash-max-bps terms) (- half-bps performance-bps)) (* BPS half-bps)
      )
    )
  )
)

(define-private (judge
    (event uint)
    (device uint)
    (judgement {
      excused: bool,
      days: uint,
      adjustment-bps: uint,
      baseline-wh: uint,
      actual-wh: uint,
      reduction-wh: uint,
      error-wh: uint,
      performance-bps: uint,
      credited-wh: uint,
      slash: uint,
    })
  )
  (let ((sums (get-totals event)))
    (map-insert compliance {
      event: event,
      device: device,
    }
      judgement
    )
    (map-set totals event
      (merge sums {
        judged: (+ (get judged sums) u1),
        credited-wh: (+ (get credited-wh sums) (get credited-wh judgement)),
      })
    )
    (print {
      topic: "commitment-judged",
      event: event,
      device: device,
      judgement: judgement,
      by: contract-caller,
    })
    (ok judgement)
  )
)

;;;; Private: money

;; part / whole of an amount, rounded up: against whom it is taken from.
(define-private (share-up
    (amount uint)
    (part uint)
    (whole uint)
  )
  (/ (+ (* amount part) (- whole u1)) whole)
)

(define-private (pay
    (amount uint)
    (to principal)
  )
  (if (is-eq amount u0)
    (ok true)
    (ok (unwrap!
      (as-contract? ((with-stx amount))
        (unwrap! (stx-transfer? amount current-contract to) ERR_TRANSFER)
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
