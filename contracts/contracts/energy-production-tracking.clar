;; Title: energy-production-tracking
;; Decides: what each producer has fed in, by source and by day, and so who gets ENERGY:
;;   one unit for each Wh of a proven leaf, once. It also says how well equipment performs
;;   and when its output asks for maintenance.
;; Immutable: a leaf counts once for each (usage point, window), and no two count the same
;;   time. A restatement replaces what was counted and never adds to it: a rise is minted
;;   to the producer of the first count, a fall is owed by the device, whose next energy
;;   pays it before any is minted.
;; Who may call: anyone records, since the proof is the authority and the device's owner
;;   gets the units; anyone schedules maintenance that is due; the owner says it is done.
;; Conservation: minted = counted (but for storage) + owed.
;; Late data (A8) adds a leaf in the midst of the time that a later leaf has counted: it is
;;   refused until that one is recorded as restated, which begins where the late one ends.
;; Energy of storage counts and is not minted, because it was when it was produced.

;;;; Constants

(define-constant STORAGE u6)
(define-constant DAY_S u86400)
(define-constant HOUR_S u3600)
(define-constant BPS u10000)
;; No leaf has more, in Wh: where registers end. Sums of such fit their integers.
(define-constant ENERGY_MAX u1000000000000000)

;; A day's output is judged if its leaves cover this many seconds: 20 hours.
(define-constant JUDGED_S u72000)
;; Maintenance is due below this share of what others of the source yield the same day.
(define-constant DUE_BELOW_BPS u7000)
;; Maintenance is due after this many hours at full load since the last.
(define-constant DUE_AFTER_HOURS u4000)

;; How many recorded leaves back a leaf's place is looked for.
(define-constant STEPS (list u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0 u0))

;; Why maintenance is due.
(define-constant LOW_OUTPUT u1)
(define-constant FULL_LOAD_HOURS u2)

;; The device's owner has not registered as a producer.
(define-constant ERR_NOT_PRODUCER (err u660))
;; The device is no source of energy.
(define-constant ERR_NO_SOURCE (err u661))
;; This revision of the leaf, or a newer one, is recorded.
(define-constant ERR_RECORDED (err u662))
;; No meter counts so far.
(define-constant ERR_ENERGY (err u663))
;; Nothing is recorded of this device.
(define-constant ERR_UNKNOWN_DEVICE (err u664))
;; Maintenance is scheduled already.
(define-constant ERR_SCHEDULED (err u665))
;; The output asks for no maintenance.
(define-constant ERR_NOT_DUE (err u666))
;; The caller does not own the device.
(define-constant ERR_NOT_OWNER (err u667))
;; No maintenance is scheduled.
(define-constant ERR_NOT_SCHEDULED (err u668))
;; A recorded leaf counts some of the time of this one.
(define-constant ERR_OVERLAP (err u669))
;; The leaf's place is not near enough to the newest leaf, or to the one that was named.
(define-constant ERR_PLACE (err u670))

;;;; Data

;; Invariant: `revision` only rises; `producer` never changes.
(define-map recorded
  {
    usage-point: uint,
    window: uint,
  }
  {
    revision: uint,
    producer: principal,
    energy-wh: uint,
    covered-s: uint,
    quality: uint,
    assurance: uint,
  }
)

;; The recorded leaves of a device in the order of their windows. Invariant: each begins
;; (`since`) where the one before it ends, or later; so no time counts twice.
(define-map links
  {
    usage-point: uint,
    window: uint,
  }
  {
    since: uint,
    previous: (optional uint),
    next: (optional uint),
  }
)

;; The newest recorded window of a device.
(define-map newest
  uint
  uint
)

;; Invariant: the maps below are sums over `recorded`.
(define-map producers
  principal
  uint
)

(define-map producer-days
  {
    producer: principal,
    source: uint,
    day: uint,
  }
  uint
)

(define-map sources
  uint
  uint
)

;; `capacity-ws` is capacity times the time that was measured, in W s.
(define-map source-days
  {
    source: uint,
    day: uint,
  }
  {
    energy-wh: uint,
    capacity-ws: uint,
  }
)

(define-map devices
  uint
  {
    energy-wh: uint,
    covered-s: uint,
  }
)

(define-map device-days
  {
    usage-point: uint,
    day: uint,
  }
  {
    energy-wh: uint,
    covered-s: uint,
  }
)

;; What restatements took back after it was minted, in Wh, by device.
(define-map owed
  uint
  uint
)

;; Invariant: minted = counted + owed.
(define-data-var totals {
  counted: uint,
  minted: uint,
  owed: uint,
} {
  counted: u0,
  minted: u0,
  owed: u0,
})

;; `done-wh` is the device's energy when maintenance was last done.
(define-map maintenance
  uint
  {
    done-wh: uint,
    scheduled: (optional {
      day: uint,
      reason: uint,
      at: uint,
    }),
  }
)

;;;; Read-only

;; All that a producer has fed in, in Wh.
(define-read-only (get-energy-production (producer principal))
  (default-to u0 (map-get? producers producer))
)

;; The same of one source and one day (days since 1970, UTC).
(define-read-only (get-production-of-day
    (producer principal)
    (source uint)
    (day uint)
  )
  (default-to u0
    (map-get? producer-days {
      producer: producer,
      source: source,
      day: day,
    })
  )
)

;; All that was fed in from a source, in Wh.
(define-read-only (get-production-by-source (source uint))
  (default-to u0 (map-get? sources source))
)

(define-read-only (get-source-day
    (source uint)
    (day uint)
  )
  (default-to {
    energy-wh: u0,
    capacity-ws: u0,
  }
    (map-get? source-days {
      source: source,
      day: day,
    })
  )
)

;; What is counted of a leaf, none if it is not recorded.
(define-read-only (get-recorded
    (usage-point uint)
    (window uint)
  )
  (map-get? recorded {
    usage-point: usage-point,
    window: window,
  })
)

;; The recorded leaf's beginning and its neighbours.
(define-read-only (get-link
    (usage-point uint)
    (window uint)
  )
  (map-get? links {
    usage-point: usage-point,
    window: window,
  })
)

;; The newest recorded window of a device.
(define-read-only (get-newest (usage-point uint))
  (map-get? newest usage-point)
)

(define-read-only (get-device-day
    (usage-point uint)
    (day uint)
  )
  (default-to {
    energy-wh: u0,
    covered-s: u0,
  }
    (map-get? device-days {
      usage-point: usage-point,
      day: day,
    })
  )
)

;; What the device's next energy pays before any is minted, in Wh.
(define-read-only (get-owed (usage-point uint))
  (default-to u0 (map-get? owed usage-point))
)

;; Energy counted for minting, minted, and owed, in Wh.
(define-read-only (get-totals)
  (var-get totals)
)

;; How a device has performed since its first leaf: energy as a share of what its
;; capacity gives in that time, and its hours at full load since the last maintenance.
(define-read-only (get-performance (usage-point uint))
  (match (map-get? devices usage-point)
    found (let (
        (capacity-w (capacity-of usage-point))
        (energy-wh (get energy-wh found))
        (done-wh (get done-wh (get-maintenance usage-point)))
      )
      (some {
        capacity-w: capacity-w,
        energy-wh: energy-wh,
        covered-s: (get covered-s found),
        ratio-bps: (yield-bps energy-wh (* capacity-w (get covered-s found))),
        full-load-hours: (if (and (> capacity-w u0) (> energy-wh done-wh))
          (/ (- energy-wh done-wh) capacity-w)
          u0
        ),
      })
    )
    none
  )
)

;; The same of one day, and beside it what all others of the source yielded: `relative-bps`
;; is the device's yield as a share of theirs, none if there are no others, if they
;; yielded nothing, or if the day is not measured long enough.
(define-read-only (get-day-performance
    (usage-point uint)
    (day uint)
  )
  (let (
      (mine (get-device-day usage-point day))
      (energy-wh (get energy-wh mine))
      (capacity-ws (* (capacity-of usage-point) (get covered-s mine)))
      (all (get-source-day (source-of usage-point) day))
      (others-wh (less (get energy-wh all) energy-wh))
      (others-ws (less (get capacity-ws all) capacity-ws))
    )
    {
      energy-wh: energy-wh,
      covered-s: (get covered-s mine),
      ratio-bps: (yield-bps energy-wh capacity-ws),
      others-bps: (yield-bps others-wh others-ws),
      relative-bps: (if (and
          (>= (get covered-s mine) JUDGED_S)
          (> capacity-ws u0)
          (> others-wh u0)
        )
        (some (/ (* (* energy-wh others-ws) BPS) (* others-wh capacity-ws)))
        none
      ),
    }
  )
)

(define-read-only (get-maintenance (usage-point uint))
  (default-to {
    done-wh: u0,
    scheduled: none,
  }
    (map-get? maintenance usage-point)
  )
)

;; Why maintenance is due by the output of a day: 1 it yielded less than its like, 2 it
;; has run long enough; none if it is not due.
(define-read-only (get-due-reason
    (usage-point uint)
    (day uint)
  )
  (if (match (get relative-bps (get-day-performance usage-point day))
      relative-bps (< relative-bps DUE_BELOW_BPS)
      false
    )
    (some LOW_OUTPUT)
    (if (>= (default-to u0 (get full-load-hours (get-performance usage-point)))
        DUE_AFTER_HOURS
      )
      (some FULL_LOAD_HOURS)
      none
    )
  )
)

(define-read-only (get-parameters)
  {
    judged-s: JUDGED_S,
    due-below-bps: DUE_BELOW_BPS,
    due-after-hours: DUE_AFTER_HOURS,
  }
)

;;;; Public

;; Counts the energy out of a proven leaf and mints it to the device's owner. A later
;; revision of the same leaf sets right what an earlier one said.
(define-public (record-energy-production
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
  (count revision zone leaf index siblings none)
)

;; The same for a leaf that is far behind the newest of its device: `near` is the window of
;; a recorded leaf that is at most 16 recorded leaves after it, or right before it.
(define-public (record-late-production
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
    (near uint)
  )
  (count revision zone leaf index siblings (some near))
)

;; Puts a device on the list of those whose output asks for maintenance. Gives the reason.
(define-public (schedule-maintenance
    (usage-point uint)
    (day uint)
  )
  (let (
      (before (get-maintenance usage-point))
      (reason (begin
        (asserts! (is-some (map-get? devices usage-point)) ERR_UNKNOWN_DEVICE)
        (asserts! (is-none (get scheduled before)) ERR_SCHEDULED)
        (unwrap! (get-due-reason usage-point day) ERR_NOT_DUE)
      ))
    )
    (map-set maintenance usage-point
      (merge before { scheduled: (some {
        day: day,
        reason: reason,
        at: stacks-block-time,
      }) })
    )
    (print {
      topic: "maintenance-scheduled",
      usage-point: usage-point,
      day: day,
      reason: reason,
      by: contract-caller,
    })
    (ok reason)
  )
)

;; The owner has had the device maintained: its hours at full load begin anew.
(define-public (complete-maintenance (usage-point uint))
  (let (
      (before (get-maintenance usage-point))
      (device (unwrap! (contract-call? .registration get-device usage-point)
        ERR_UNKNOWN_DEVICE
      ))
    )
    (asserts! (is-eq contract-caller (get owner device)) ERR_NOT_OWNER)
    (asserts! (is-some (get scheduled before)) ERR_NOT_SCHEDULED)
    (map-set maintenance usage-point {
      done-wh: (default-to u0 (get energy-wh (map-get? devices usage-point))),
      scheduled: none,
    })
    (print {
      topic: "maintenance-completed",
      usage-point: usage-point,
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Private

(define-private (count
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
    (near (optional uint))
  )
  (let (
      (proven (try! (contract-call? .verification-engine verify-leaf revision zone leaf index
        siblings
      )))
      (usage-point (get usage-point leaf))
      (window (get window leaf))
      (device (unwrap! (contract-call? .registration get-device usage-point)
        ERR_UNKNOWN_DEVICE
      ))
      (source (get source device))
      (before (get-recorded usage-point window))
      (producer (match before
        counted (get producer counted)
        (get producer proven)
      ))
      (was-wh (default-to u0 (get energy-wh before)))
      (energy-wh (get export-wh proven))
      (was-s (default-to u0 (get covered-s before)))
      (covered-s (less window (get since leaf)))
      (owed-before (get-owed usage-point))
      (mints (not (is-eq source STORAGE)))
      (rise (if mints
        (less energy-wh was-wh)
        u0
      ))
      (fall (if mints
        (less was-wh energy-wh)
        u0
      ))
      (paid (smaller rise owed-before))
      (minted-wh (- rise paid))
      (owed-wh (- (+ owed-before fall) paid))
      (sums (var-get totals))
    )
    (asserts! (is-some (contract-call? .registration get-producer-info producer))
      ERR_NOT_PRODUCER
    )
    (asserts! (> source u0) ERR_NO_SOURCE)
    (asserts!
      (match before
        counted (> revision (get revision counted))
        true
      )
      ERR_RECORDED
    )
    (asserts! (<= energy-wh ENERGY_MAX) ERR_ENERGY)
    (try! (if (is-some before)
      (move usage-point window (- window covered-s))
      (enter usage-point window (- window covered-s) near)
    ))
    (map-set recorded {
      usage-point: usage-point,
      window: window,
    } {
      revision: revision,
      producer: producer,
      energy-wh: energy-wh,
      covered-s: covered-s,
      quality: (get quality proven),
      assurance: (get assurance proven),
    })
    (add-up producer usage-point source (get capacity-w device) (/ window DAY_S) was-wh
      energy-wh was-s covered-s
    )
    (map-set owed usage-point owed-wh)
    (var-set totals {
      counted: (- (+ (get counted sums) rise) fall),
      minted: (+ (get minted sums) minted-wh),
      owed: (- (+ (get owed sums) owed-wh) owed-before),
    })
    (and
      (> minted-wh u0)
      (try! (contract-call? .energy-token mint minted-wh producer))
    )
    (print {
      topic: "production-recorded",
      usage-point: usage-point,
      window: window,
      revision: revision,
      producer: producer,
      source: source,
      was-wh: was-wh,
      energy-wh: energy-wh,
      covered-s: covered-s,
      minted-wh: minted-wh,
      owed-wh: owed-wh,
      quality: (get quality proven),
      assurance: (get assurance proven),
    })
    (ok {
      producer: producer,
      energy-wh: energy-wh,
      minted-wh: minted-wh,
      owed-wh: owed-wh,
    })
  )
)

;; Puts a leaf among the recorded ones of its device, if its time is free. The search goes
;; back from `near`, or from the newest.
(define-private (enter
    (usage-point uint)
    (window uint)
    (since uint)
    (near (optional uint))
  )
  (let (
      (start (if (is-some near)
        near
        (get-newest usage-point)
      ))
      (place (fold step-back STEPS {
        usage-point: usage-point,
        window: window,
        at: start,
        next: (match start
          at (next-of usage-point at)
          none
        ),
      }))
      (previous (get at place))
      (next (get next place))
    )
    (asserts!
      (match start
        at (is-some (get-link usage-point at))
        true
      )
      ERR_PLACE
    )
    (asserts!
      (and
        (match previous
          at (< at window)
          true
        )
        (match next
          at (> at window)
          true
        )
      )
      ERR_PLACE
    )
    (asserts!
      (and
        (match previous
          at (<= at since)
          true
        )
        (match next
          at (>= (default-to u0 (get since (get-link usage-point at))) window)
          true
        )
      )
      ERR_OVERLAP
    )
    (map-set links {
      usage-point: usage-point,
      window: window,
    } {
      since: since,
      previous: previous,
      next: next,
    })
    (match previous
      at (relink usage-point at none (some (some window)))
      true
    )
    (match next
      at (relink usage-point at (some (some window)) none)
      (map-set newest usage-point window)
    )
    (ok true)
  )
)

;; A restated leaf may begin elsewhere, if that time is free.
(define-private (move
    (usage-point uint)
    (window uint)
    (since uint)
  )
  (let ((link (unwrap! (get-link usage-point window) ERR_PLACE)))
    (asserts!
      (match (get previous link)
        at (<= at since)
        true
      )
      ERR_OVERLAP
    )
    (ok (map-set links {
      usage-point: usage-point,
      window: window,
    }
      (merge link { since: since })
    ))
  )
)

;; One recorded leaf back, while that is after the window.
(define-private (step-back
    (step uint)
    (place {
      usage-point: uint,
      window: uint,
      at: (optional uint),
      next: (optional uint),
    })
  )
  (match (get at place)
    at (if (> at (get window place))
      (merge place {
        at: (match (get-link (get usage-point place) at)
          link (get previous link)
          none
        ),
        next: (some at),
      })
      place
    )
    place
  )
)

(define-private (next-of
    (usage-point uint)
    (window uint)
  )
  (match (get-link usage-point window)
    link (get next link)
    none
  )
)

;; Gives a recorded leaf a new neighbour on one side or the other.
(define-private (relink
    (usage-point uint)
    (window uint)
    (previous (optional (optional uint)))
    (next (optional (optional uint)))
  )
  (match (get-link usage-point window)
    link (map-set links {
      usage-point: usage-point,
      window: window,
    }
      (merge link {
        previous: (default-to (get previous link) previous),
        next: (default-to (get next link) next),
      })
    )
    false
  )
)

;; Replaces what a leaf was by what it is, in every sum it is part of.
(define-private (add-up
    (producer principal)
    (usage-point uint)
    (source uint)
    (capacity-w uint)
    (day uint)
    (was-wh uint)
    (energy-wh uint)
    (was-s uint)
    (covered-s uint)
  )
  (let (
      (device (default-to {
        energy-wh: u0,
        covered-s: u0,
      }
        (map-get? devices usage-point)
      ))
      (device-day (get-device-day usage-point day))
      (source-day (get-source-day source day))
    )
    (map-set producers producer
      (- (+ (get-energy-production producer) energy-wh) was-wh)
    )
    (map-set producer-days {
      producer: producer,
      source: source,
      day: day,
    }
      (- (+ (get-production-of-day producer source day) energy-wh) was-wh)
    )
    (map-set sources source
      (- (+ (get-production-by-source source) energy-wh) was-wh)
    )
    (map-set source-days {
      source: source,
      day: day,
    } {
      energy-wh: (- (+ (get energy-wh source-day) energy-wh) was-wh),
      capacity-ws: (- (+ (get capacity-ws source-day) (* capacity-w covered-s))
        (* capacity-w was-s)
      ),
    })
    (map-set devices usage-point {
      energy-wh: (- (+ (get energy-wh device) energy-wh) was-wh),
      covered-s: (- (+ (get covered-s device) covered-s) was-s),
    })
    (map-set device-days {
      usage-point: usage-point,
      day: day,
    } {
      energy-wh: (- (+ (get energy-wh device-day) energy-wh) was-wh),
      covered-s: (- (+ (get covered-s device-day) covered-s) was-s),
    })
  )
)

;; Energy as a share of what a capacity gives in a time, in basis points.
(define-private (yield-bps
    (energy-wh uint)
    (capacity-ws uint)
  )
  (if (> capacity-ws u0)
    (/ (* energy-wh (* HOUR_S BPS)) capacity-ws)
    u0
  )
)

(define-private (capacity-of (usage-point uint))
  (default-to u0
    (get capacity-w (contract-call? .registration get-device usage-point))
  )
)

(define-private (source-of (usage-point uint))
  (default-to u0 (get source (contract-call? .registration get-device usage-point)))
)

;; a - b, or 0 if there is nothing left.
(define-private (less
    (a uint)
    (b uint)
  )
  (if (> a b)
    (- a b)
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
