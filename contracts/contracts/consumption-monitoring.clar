;; Title: consumption-monitoring
;; Decides: how much is consumed, by category of consumer, by time of use and by day; how
;;   each consumer uses energy in sum; and who is told that a threshold is passed.
;; Immutable: a leaf counts once for each (usage point, window); a restatement replaces
;;   what was counted and never adds to it; a commitment is inserted once.
;; Who may call: the owner of a device registers it as a consumer, sets its thresholds and
;;   commits to its days; a home's leaves are shown by the home alone, those of commerce
;;   and industry by anyone; anyone adds up open zones; governors set the times of use.
;; Privacy: no reading is kept here and no event tells one. Of a leaf its hash stays, of a
;;   consumer its sums, of a zone what five meters or more have in common. Who shows a leaf
;;   publishes it with the transaction: a home that will not, commits to its day with a
;;   salt, and proves it to whom it likes with `check-commitment`, which nobody else sees.

;;;; Constants

(define-constant RESIDENTIAL u1)
(define-constant CATEGORY_MAX u3)

;; Times of use.
(define-constant OFF_PEAK u0)
(define-constant MID_PEAK u1)
(define-constant ON_PEAK u2)

(define-constant DAY_S u86400)
(define-constant HOUR_S u3600)
(define-constant BPS u10000)
;; No leaf has more, in Wh: where registers end. Sums of such fit their integers.
(define-constant ENERGY_MAX u1000000000000000)
;; A zone of fewer meters tells too much of each.
(define-constant ZONE_MIN u5)
;; Power above this many times a consumer's average is abnormal, after this many leaves.
(define-constant ABNORMAL_TIMES u3)
(define-constant ABNORMAL_AFTER u96)

;; No energy at any time of use.
(define-constant NOTHING {
  off-peak-wh: u0,
  mid-peak-wh: u0,
  on-peak-wh: u0,
})

;; A value has no consensus bytes; no argument of these types can cause it.
(define-constant ERR_ENCODING (err u700))
;; No device has this id.
(define-constant ERR_UNKNOWN_DEVICE (err u701))
;; The caller does not own the device, or the home.
(define-constant ERR_NOT_OWNER (err u702))
;; There is no such category.
(define-constant ERR_CATEGORY (err u703))
;; A hash has 32 bytes.
(define-constant ERR_HASH (err u704))
;; The owner has registered this consumer.
(define-constant ERR_KNOWN (err u705))
;; The device's owner has not registered it as a consumer.
(define-constant ERR_NOT_REGISTERED (err u706))
;; This revision of the leaf, or any if it is shown anew, is recorded.
(define-constant ERR_RECORDED (err u707))
;; The leaf is not recorded, so nothing of it can be restated.
(define-constant ERR_NOT_RECORDED (err u708))
;; This is not the leaf that was recorded.
(define-constant ERR_OTHER_LEAF (err u709))
;; No meter counts so far.
(define-constant ERR_ENERGY (err u710))
;; The caller does not govern.
(define-constant ERR_NOT_GOVERNOR (err u711))
;; The times of use are 24, of three kinds.
(define-constant ERR_TIMES (err u712))
;; The zone has too few meters.
(define-constant ERR_ZONE_MIN (err u713))
;; There is a commitment to this day.
(define-constant ERR_COMMITTED (err u714))
;; There is no commitment to this day.
(define-constant ERR_NOT_COMMITTED (err u715))
;; The leaves and the salt are not what was committed to.
(define-constant ERR_COMMITMENT (err u716))
;; The leaves are not of this consumer and day, or not ascending.
(define-constant ERR_LEAVES (err u717))

;;;; Data

;; The time of use of each hour of the day, in UTC.
(define-data-var times (list 24 uint)
  (list u0 u0 u0 u0 u0 u0 u1 u1 u1 u1 u1 u1 u1 u1 u1 u1 u1 u2 u2 u2 u2 u1 u0 u0)
)

;; `threshold-w` and `daily-wh` are what the consumer wants to be told of; 0 is nothing.
(define-map consumers
  uint
  {
    consumer: principal,
    category: uint,
    profile: (buff 32),
    threshold-w: uint,
    daily-wh: uint,
  }
)

;; Invariant: the sums are those of the leaves that are recorded of the two. `day-wh` is of
;; the last day only. `highest-w` is the greatest power, at the window `highest-at`.
(define-map profiles
  {
    usage-point: uint,
    consumer: principal,
  }
  {
    used: {
      off-peak-wh: uint,
      mid-peak-wh: uint,
      on-peak-wh: uint,
    },
    covered-s: uint,
    leaves: uint,
    highest-w: uint,
    highest-at: uint,
    day: uint,
    day-wh: uint,
  }
)

;; Invariant: `revision` only rises. `leaf` is the hash of the leaf in its tree.
(define-map recorded
  {
    usage-point: uint,
    window: uint,
  }
  {
    revision: uint,
    leaf: (buff 32),
    consumer: principal,
    category: uint,
    time-of-use: uint,
  }
)

;; Invariant: sums over the recorded leaves.
(define-map category-days
  {
    category: uint,
    day: uint,
  }
  {
    off-peak-wh: uint,
    mid-peak-wh: uint,
    on-peak-wh: uint,
  }
)

;; The same by hour of the day, over all days: when a category uses energy.
(define-map category-hours
  {
    category: uint,
    hour: uint,
  }
  {
    import-wh: uint,
    leaves: uint,
  }
)

;; Invariant: `revision` only rises.
(define-map recorded-zones
  {
    zone: uint,
    window: uint,
  }
  {
    revision: uint,
    import-wh: uint,
    time-of-use: uint,
  }
)

;; Invariant: sums over the recorded zones.
(define-map zone-days
  {
    zone: uint,
    day: uint,
  }
  {
    off-peak-wh: uint,
    mid-peak-wh: uint,
    on-peak-wh: uint,
  }
)

;; Insert-only: what a consumer says of a day, with a salt.
(define-map commitments
  {
    usage-point: uint,
    consumer: principal,
    day: uint,
  }
  (buff 32)
)

;;;; Read-only

(define-read-only (get-consumer (usage-point uint))
  (map-get? consumers usage-point)
)

;; How the consumer of a usage point uses energy, in sum: by time of use, on average, at
;; most, and the share of it that falls on the peak.
(define-read-only (get-profile (usage-point uint))
  (match (map-get? consumers usage-point)
    found (let (
        (profile (profile-of usage-point (get consumer found)))
        (used (get used profile))
        (total-wh (total used))
      )
      (some {
        consumer: (get consumer found),
        category: (get category found),
        used: used,
        total-wh: total-wh,
        leaves: (get leaves profile),
        average-w: (power total-wh (get covered-s profile)),
        highest-w: (get highest-w profile),
        highest-at: (get highest-at profile),
        on-peak-bps: (if (> total-wh u0)
          (/ (* (get on-peak-wh used) BPS) total-wh)
          u0
        ),
      })
    )
    none
  )
)

;; What all consumers of a category have used on a day (days since 1970, UTC), in Wh.
(define-read-only (get-category-day
    (category uint)
    (day uint)
  )
  (default-to NOTHING
    (map-get? category-days {
      category: category,
      day: day,
    })
  )
)

;; What a category has used in an hour of the day (0 to 23, UTC), over all days.
(define-read-only (get-demand-pattern
    (category uint)
    (hour uint)
  )
  (default-to {
    import-wh: u0,
    leaves: u0,
  }
    (map-get? category-hours {
      category: category,
      hour: hour,
    })
  )
)

;; What all meters of a zone have used on a day, in Wh.
(define-read-only (get-zone-day
    (zone uint)
    (day uint)
  )
  (default-to NOTHING
    (map-get? zone-days {
      zone: zone,
      day: day,
    })
  )
)

(define-read-only (get-recorded
    (usage-point uint)
    (window uint)
  )
  (map-get? recorded {
    usage-point: usage-point,
    window: window,
  })
)

(define-read-only (get-recorded-zone
    (zone uint)
    (window uint)
  )
  (map-get? recorded-zones {
    zone: zone,
    window: window,
  })
)

(define-read-only (get-commitment
    (usage-point uint)
    (consumer principal)
    (day uint)
  )
  (map-get? commitments {
    usage-point: usage-point,
    consumer: consumer,
    day: day,
  })
)

(define-read-only (get-times)
  (var-get times)
)

;; The time of use of a window: 0 off peak, 1 in between, 2 on peak.
(define-read-only (get-time-of-use (window uint))
  (default-to OFF_PEAK (element-at? (var-get times) (hour-of window)))
)

;; What a consumer commits to: its leaves of a day, in order, under a salt.
(define-read-only (get-commitment-digest
    (usage-point uint)
    (day uint)
    (salt (buff 32))
    (leaves (list 96 (buff 32)))
  )
  (ok (sha256 (unwrap!
    (to-consensus-buff? {
      topic: "consumption",
      usage-point: usage-point,
      day: day,
      salt: salt,
      leaves: leaves,
    })
    ERR_ENCODING
  )))
)

;; Checks leaves that a consumer shows to whom it likes against what it committed to, and
;; each against its attestation; gives their sum and greatest power. A call that is read
;; only runs at the reader's own node, and publishes nothing.
(define-read-only (check-commitment
    (usage-point uint)
    (consumer principal)
    (day uint)
    (salt (buff 32))
    (proofs (list 96 {
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
    }))
  )
  (let (
      (committed (unwrap! (get-commitment usage-point consumer day) ERR_NOT_COMMITTED))
      (shown (try! (fold check-proof proofs
        (ok {
          usage-point: usage-point,
          day: day,
          last: none,
          leaves: (list),
          import-wh: u0,
          highest-w: u0,
        })
      )))
    )
    (asserts!
      (is-eq (try! (get-commitment-digest usage-point day salt (get leaves shown)))
        committed
      )
      ERR_COMMITMENT
    )
    (ok {
      leaves: (len proofs),
      import-wh: (get import-wh shown),
      highest-w: (get highest-w shown),
    })
  )
)

;;;; Public: consumers

;; Registers a device of the caller as a consumer: category 1 residential, 2 commercial, 3
;; industrial. `profile` is a salted hash of what else is known of it. A new owner
;; registers anew and begins with nothing.
(define-public (register-consumer
    (usage-point uint)
    (category uint)
    (profile (buff 32))
  )
  (let ((device (unwrap! (contract-call? .registration get-device usage-point)
      ERR_UNKNOWN_DEVICE
    )))
    (asserts! (is-eq contract-caller (get owner device)) ERR_NOT_OWNER)
    (asserts! (and (> category u0) (<= category CATEGORY_MAX)) ERR_CATEGORY)
    (asserts! (is-eq (len profile) u32) ERR_HASH)
    (asserts!
      (not (is-eq (get consumer (map-get? consumers usage-point)) (some contract-caller)))
      ERR_KNOWN
    )
    (map-set consumers usage-point {
      consumer: contract-caller,
      category: category,
      profile: profile,
      threshold-w: u0,
      daily-wh: u0,
    })
    (print {
      topic: "consumer-registered",
      usage-point: usage-point,
      consumer: contract-caller,
      category: category,
      profile: profile,
    })
    (ok true)
  )
)

;; What the consumer wants to be told of: a power in a leaf, energy in a day; 0 is nothing.
(define-public (set-threshold
    (usage-point uint)
    (threshold-w uint)
    (daily-wh uint)
  )
  (let ((found (unwrap! (map-get? consumers usage-point) ERR_NOT_REGISTERED)))
    (asserts! (is-eq contract-caller (get consumer found)) ERR_NOT_OWNER)
    (map-set consumers usage-point
      (merge found {
        threshold-w: threshold-w,
        daily-wh: daily-wh,
      })
    )
    (print {
      topic: "threshold-set",
      usage-point: usage-point,
      consumer: contract-caller,
      threshold-w: threshold-w,
      daily-wh: daily-wh,
    })
    (ok true)
  )
)

;; Commits the caller to its leaves of a day, which stay with it (`get-commitment-digest`).
(define-public (commit-consumption
    (usage-point uint)
    (day uint)
    (commitment (buff 32))
  )
  (let ((found (unwrap! (map-get? consumers usage-point) ERR_NOT_REGISTERED)))
    (asserts! (is-eq contract-caller (get consumer found)) ERR_NOT_OWNER)
    (asserts! (is-eq (len commitment) u32) ERR_HASH)
    (asserts!
      (map-insert commitments {
        usage-point: usage-point,
        consumer: contract-caller,
        day: day,
      } commitment)
      ERR_COMMITTED
    )
    (print {
      topic: "consumption-committed",
      usage-point: usage-point,
      consumer: contract-caller,
      day: day,
      commitment: commitment,
    })
    (ok true)
  )
)

;;;; Public: consumption

;; Counts the energy in of a proven leaf, once.
(define-public (record-consumption
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
  (let (
      (proven (try! (contract-call? .verification-engine verify-leaf revision zone leaf index
        siblings
      )))
      (usage-point (get usage-point leaf))
      (window (get window leaf))
      (found (unwrap! (map-get? consumers usage-point) ERR_NOT_REGISTERED))
      (consumer (get consumer found))
      (category (get category found))
      (time-of-use (get-time-of-use window))
      (import-wh (get import-wh leaf))
      (covered-s (covered leaf))
      (power-w (power import-wh covered-s))
      (before (profile-of usage-point consumer))
      (average-w (power (total (get used before)) (get covered-s before)))
      (day (/ window DAY_S))
      (hour (hour-of window))
      (pattern (get-demand-pattern category hour))
      (day-before (if (is-eq (get day before) day)
        (get day-wh before)
        u0
      ))
      ;; A day that is over is not looked at again.
      (is-today (>= day (get day before)))
      (day-after (+ day-before import-wh))
    )
    (asserts! (is-eq consumer (get producer proven)) ERR_NOT_REGISTERED)
    (asserts! (or (not (is-eq category RESIDENTIAL)) (is-eq contract-caller consumer))
      ERR_NOT_OWNER
    )
    (asserts! (<= import-wh ENERGY_MAX) ERR_ENERGY)
    (asserts!
      (map-insert recorded {
        usage-point: usage-point,
        window: window,
      } {
        revision: revision,
        leaf: (try! (hash-of leaf)),
        consumer: consumer,
        category: category,
        time-of-use: time-of-use,
      })
      ERR_RECORDED
    )
    (map-set profiles {
      usage-point: usage-point,
      consumer: consumer,
    }
      (merge before {
        used: (replace (get used before) time-of-use u0 import-wh),
        covered-s: (+ (get covered-s before) covered-s),
        leaves: (+ (get leaves before) u1),
        highest-w: (larger power-w (get highest-w before)),
        highest-at: (if (> power-w (get highest-w before))
          window
          (get highest-at before)
        ),
        day: (larger day (get day before)),
        day-wh: (if is-today
          day-after
          (get day-wh before)
        ),
      })
    )
    (map-set category-days {
      category: category,
      day: day,
    }
      (replace (get-category-day category day) time-of-use u0 import-wh)
    )
    (map-set category-hours {
      category: category,
      hour: hour,
    } {
      import-wh: (+ (get import-wh pattern) import-wh),
      leaves: (+ (get leaves pattern) u1),
    })
    (print {
      topic: "consumption-recorded",
      usage-point: usage-point,
      window: window,
      revision: revision,
      consumer: consumer,
      category: category,
      time-of-use: time-of-use,
    })
    (and
      (> (get threshold-w found) u0)
      (> power-w (get threshold-w found))
      (tell "threshold-exceeded" usage-point window consumer)
    )
    (and
      (> (get daily-wh found) u0)
      is-today
      (<= day-before (get daily-wh found))
      (> day-after (get daily-wh found))
      (tell "daily-threshold-exceeded" usage-point window consumer)
    )
    (and
      (>= (get leaves before) ABNORMAL_AFTER)
      (> power-w (* ABNORMAL_TIMES average-w))
      (tell "abnormal-usage" usage-point window consumer)
    )
    (ok {
      consumer: consumer,
      time-of-use: time-of-use,
      power-w: power-w,
    })
  )
)

;; Sets right what an earlier revision of a leaf said; `before` is that leaf, of which
;; only the hash is kept here. If it had the greatest power, the new leaf's takes its place.
(define-public (restate-consumption
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
    (before {
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
  )
  (let (
      (proven (try! (contract-call? .verification-engine verify-leaf revision zone leaf index
        siblings
      )))
      (usage-point (get usage-point proven))
      (window (get window leaf))
      (key {
        usage-point: usage-point,
        window: window,
      })
      (counted (unwrap! (map-get? recorded key) ERR_NOT_RECORDED))
      (consumer (get consumer counted))
      (category (get category counted))
      (time-of-use (get time-of-use counted))
      (was-wh (get import-wh before))
      (import-wh (get import-wh leaf))
      (profile (profile-of usage-point consumer))
      (power-w (power import-wh (covered leaf)))
      (was-highest (is-eq (get highest-at profile) window))
      (is-highest (or was-highest (> power-w (get highest-w profile))))
      (day (/ window DAY_S))
      (hour (hour-of window))
      (pattern (get-demand-pattern category hour))
    )
    (asserts! (or (not (is-eq category RESIDENTIAL)) (is-eq contract-caller consumer))
      ERR_NOT_OWNER
    )
    (asserts! (> revision (get revision counted)) ERR_RECORDED)
    (asserts! (is-eq (try! (hash-of before)) (get leaf counted)) ERR_OTHER_LEAF)
    (asserts! (<= import-wh ENERGY_MAX) ERR_ENERGY)
    (map-set recorded key
      (merge counted {
        revision: revision,
        leaf: (try! (hash-of leaf)),
      })
    )
    (map-set profiles {
      usage-point: usage-point,
      consumer: consumer,
    }
      (merge profile {
        used: (replace (get used profile) time-of-use was-wh import-wh),
        covered-s: (- (+ (get covered-s profile) (covered leaf)) (covered before)),
        highest-w: (if is-highest
          power-w
          (get highest-w profile)
        ),
        highest-at: (if is-highest
          window
          (get highest-at profile)
        ),
        day-wh: (if (is-eq (get day profile) day)
          (- (+ (get day-wh profile) import-wh) was-wh)
          (get day-wh profile)
        ),
      })
    )
    (map-set category-days {
      category: category,
      day: day,
    }
      (replace (get-category-day category day) time-of-use was-wh import-wh)
    )
    (map-set category-hours {
      category: category,
      hour: hour,
    }
      (merge pattern { import-wh: (- (+ (get import-wh pattern) import-wh) was-wh) })
    )
    (print {
      topic: "consumption-restated",
      usage-point: usage-point,
      window: window,
      revision: revision,
      consumer: consumer,
      category: category,
      time-of-use: time-of-use,
    })
    (ok true)
  )
)

;; Counts what all meters of an open zone have used in a window; a newer revision replaces it.
(define-public (record-zone-consumption
    (window uint)
    (revision uint)
    (zone uint)
  )
  (let (
      (sums (try! (contract-call? .verification-engine verify-zone window revision zone)))
      (import-wh (get import-wh sums))
      (day (/ window DAY_S))
      (before (get-recorded-zone zone window))
      (time-of-use (default-to (get-time-of-use window) (get time-of-use before)))
    )
    (asserts! (>= (get leaf-count sums) ZONE_MIN) ERR_ZONE_MIN)
    (asserts!
      (match before
        counted (> revision (get revision counted))
        true
      )
      ERR_RECORDED
    )
    (asserts! (<= import-wh ENERGY_MAX) ERR_ENERGY)
    (map-set recorded-zones {
      zone: zone,
      window: window,
    } {
      revision: revision,
      import-wh: import-wh,
      time-of-use: time-of-use,
    })
    (map-set zone-days {
      zone: zone,
      day: day,
    }
      (replace (get-zone-day zone day) time-of-use
        (default-to u0 (get import-wh before))
        import-wh
      )
    )
    (print {
      topic: "zone-consumption-recorded",
      zone: zone,
      window: window,
      revision: revision,
      import-wh: import-wh,
      time-of-use: time-of-use,
    })
    (ok import-wh)
  )
)

;; Sets the time of use of each hour of the day, for what is recorded from now on.
(define-public (set-times (hours (list 24 uint)))
  (begin
    (asserts! (contract-call? .roles is-governor contract-caller) ERR_NOT_GOVERNOR)
    (asserts! (is-eq (len (filter is-time hours)) u24) ERR_TIMES)
    (var-set times hours)
    (print {
      topic: "times-of-use-set",
      hours: hours,
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Private

(define-private (is-time (time-of-use uint))
  (<= time-of-use ON_PEAK)
)

(define-private (hour-of (window uint))
  (/ (mod window DAY_S) HOUR_S)
)

(define-private (profile-of
    (usage-point uint)
    (consumer principal)
  )
  (default-to {
    used: NOTHING,
    covered-s: u0,
    leaves: u0,
    highest-w: u0,
    highest-at: u0,
    day: u0,
    day-wh: u0,
  }
    (map-get? profiles {
      usage-point: usage-point,
      consumer: consumer,
    })
  )
)

;; The time that a leaf's energy was used in: from the last leaf of its meter to its own.
(define-private (covered (leaf {
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
}))
  (if (> (get window leaf) (get since leaf))
    (- (get window leaf) (get since leaf))
    u0
  )
)

(define-private (power
    (energy-wh uint)
    (time-s uint)
  )
  (if (> time-s u0)
    (/ (* energy-wh HOUR_S) time-s)
    u0
  )
)

(define-private (total (used {
  off-peak-wh: uint,
  mid-peak-wh: uint,
  on-peak-wh: uint,
}))
  (+ (get off-peak-wh used) (get mid-peak-wh used) (get on-peak-wh used))
)

;; Puts energy in the place of what was counted at a time of use.
(define-private (replace
    (used {
      off-peak-wh: uint,
      mid-peak-wh: uint,
      on-peak-wh: uint,
    })
    (time-of-use uint)
    (was-wh uint)
    (is-wh uint)
  )
  (if (is-eq time-of-use OFF_PEAK)
    (merge used { off-peak-wh: (- (+ (get off-peak-wh used) is-wh) was-wh) })
    (if (is-eq time-of-use MID_PEAK)
      (merge used { mid-peak-wh: (- (+ (get mid-peak-wh used) is-wh) was-wh) })
      (merge used { on-peak-wh: (- (+ (get on-peak-wh used) is-wh) was-wh) })
    )
  )
)

;; The hash of a leaf in its tree. No reading can be guessed from it: the leaf has the
;; hash of its record, which a meter or a gateway has signed.
(define-private (hash-of (leaf {
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
}))
  (ok (sha256 (sha256 (unwrap! (to-consensus-buff? leaf) ERR_ENCODING))))
)

(define-private (tell
    (topic (string-ascii 24))
    (usage-point uint)
    (window uint)
    (consumer principal)
  )
  (begin
    (print {
      topic: topic,
      usage-point: usage-point,
      window: window,
      consumer: consumer,
    })
    true
  )
)

(define-private (check-proof
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
    (shown (response {
      usage-point: uint,
      day: uint,
      last: (optional uint),
      leaves: (list 96 (buff 32)),
      import-wh: uint,
      highest-w: uint,
    } uint))
  )
  (let (
      (so-far (try! shown))
      (leaf (get leaf proof))
      (window (get window leaf))
    )
    (try! (contract-call? .verification-engine verify-leaf (get revision proof) (get zone proof)
      leaf (get index proof) (get siblings proof)
    ))
    (asserts!
      (and
        (is-eq (get usage-point leaf) (get usage-point so-far))
        (is-eq (/ window DAY_S) (get day so-far))
        (match (get last so-far)
          last (> window last)
          true
        )
      )
      ERR_LEAVES
    )
    (ok (merge so-far {
      last: (some window),
      leaves: (unwrap!
        (as-max-len? (append (get leaves so-far) (try! (hash-of leaf))) u96)
        ERR_LEAVES
      ),
      import-wh: (+ (get import-wh so-far) (get import-wh leaf)),
      highest-w: (larger (power (get import-wh leaf) (covered leaf)) (get highest-w so-far)),
    }))
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
