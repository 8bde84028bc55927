;; Title: aggregation
;; Decides: which assets form a virtual power plant (VPP), what they put out together in a
;;   window, what capacity it may sell, and how good its forecasts were.
;; Immutable: VPPs and forecasts are inserted once, a forecast before its window; a
;;   membership is changed by its end only; output is changed by proven leaves only.
;; Who may call: a registered user creates a VPP and operates it; the owner of a connected
;;   asset joins and leaves with it, the operator sends it away, and anyone does once it
;;   is connected no more; anyone proves output and scores. A pause stops creating and
;;   joining and nothing else.
;; An asset is in one VPP at a time, from one start of a window to another. Who has left a
;;   VPP stays away from it as long as trades take to be final (settlement-deadline-s): what
;;   is settled of its last windows needs the membership that was.

;;;; Constants

(define-constant BPS u10000)
;; How long after a window its output is proven before its forecast is scored: a day.
(define-constant SCORE_S u86400)
(define-constant HOUR_S u3600)
;; A membership without an end.
(define-constant OPEN_ENDED u340282366920938463463374607431768211455)

;; Nobody creates or joins during a pause.
(define-constant ERR_PAUSED (err u720))
;; The caller is not registered.
(define-constant ERR_UNKNOWN_USER (err u721))
;; A name is not empty.
(define-constant ERR_TEXT (err u722))
;; No VPP has this id.
(define-constant ERR_UNKNOWN_VPP (err u723))
;; No device has this id.
(define-constant ERR_UNKNOWN_ASSET (err u724))
;; The caller neither owns the asset nor may decide for its owner.
(define-constant ERR_NOT_OWNER (err u725))
;; The asset is not connected to the grid.
(define-constant ERR_NOT_CONNECTED (err u726))
;; The asset is in a VPP.
(define-constant ERR_IN_VPP (err u727))
;; The asset was not a member of this VPP in this window.
(define-constant ERR_NOT_MEMBER (err u728))
;; The asset left this VPP not long enough ago.
(define-constant ERR_AWAY (err u729))
;; The caller does not operate the VPP.
(define-constant ERR_NOT_OPERATOR (err u730))
;; A forecast is of a whole window that has not begun.
(define-constant ERR_WINDOW (err u731))
;; More than the capacity of the VPP puts out.
(define-constant ERR_FORECAST (err u732))
;; The window has a forecast.
(define-constant ERR_KNOWN_FORECAST (err u733))
;; The window has no forecast.
(define-constant ERR_NO_FORECAST (err u734))
;; Output is still being proven.
(define-constant ERR_TOO_EARLY (err u735))
;; The window is not attested, or void.
(define-constant ERR_NOT_ATTESTED (err u736))
;; The forecast is scored.
(define-constant ERR_SCORED (err u737))
;; There is no leaf in the list.
(define-constant ERR_EMPTY (err u738))
;; This leaf, or a newer revision of it, is counted already.
(define-constant ERR_COUNTED (err u739))
;; The leaf is of another window.
(define-constant ERR_OTHER_WINDOW (err u740))
;; The leaf follows a gap: it tells energy of earlier windows too.
(define-constant ERR_GAP (err u741))

;;;; Data

(define-data-var vpp-count uint u0)

;; Invariant: `members` and `capacity-w` are those of the assets that are in it now.
(define-map vpps
  uint
  {
    operator: principal,
    name: (string-ascii 64),
    members: uint,
    capacity-w: uint,
    created-at: uint,
  }
)

;; Invariant: an asset's memberships do not overlap; it counts for windows that start in
;; [`since`, `until`).
(define-map memberships
  {
    vpp: uint,
    asset: uint,
  }
  {
    since: uint,
    until: uint,
    capacity-w: uint,
  }
)

;; Invariant: exactly the assets that are in a VPP now.
(define-map vpp-of
  uint
  uint
)

;; Invariant: the sums over the `counted` leaves of the VPP and window.
(define-map outputs
  {
    vpp: uint,
    window: uint,
  }
  {
    export-wh: uint,
    import-wh: uint,
    leaves: uint,
  }
)

;; A leaf counts once in a VPP; its newer revision replaces it.
(define-map counted
  {
    vpp: uint,
    asset: uint,
    window: uint,
  }
  {
    revision: uint,
    export-wh: uint,
    import-wh: uint,
  }
)

;; Insert-only but for the score, which is set once.
(define-map forecasts
  {
    vpp: uint,
    window: uint,
  }
  {
    export-wh: uint,
    published-at: uint,
    error-bps: (optional uint),
  }
)

;; Invariant: the sums over the VPP's scored forecasts.
(define-map scores
  uint
  {
    scored: uint,
    forecast-wh: uint,
    output-wh: uint,
    error-wh: uint,
  }
)

;;;; Read-only

(define-read-only (get-vpp (vpp uint))
  (map-get? vpps vpp)
)

(define-read-only (get-vpp-count)
  (var-get vpp-count)
)

(define-read-only (get-vpp-of (asset uint))
  (map-get? vpp-of asset)
)

(define-read-only (get-membership
    (vpp uint)
    (asset uint)
  )
  (map-get? memberships {
    vpp: vpp,
    asset: asset,
  })
)

;; True if a window of the asset counts for the VPP.
(define-read-only (is-member-at
    (vpp uint)
    (asset uint)
    (window uint)
  )
  (match (get-membership vpp asset)
    membership (and (>= window (get since membership)) (< window (get until membership)))
    false
  )
)

;; What the VPP may sell, in W: its capacity without what governance has it keep back.
(define-read-only (get-capacity (vpp uint))
  (match (map-get? vpps vpp)
    found (/
      (* (get capacity-w found)
        (- BPS (contract-call? .governance get-parameter "vpp-reserve-bps"))
      )
      BPS
    )
    u0
  )
)

;; What was proven of a window: energy of all members that somebody has shown.
(define-read-only (get-output
    (vpp uint)
    (window uint)
  )
  (default-to {
    export-wh: u0,
    import-wh: u0,
    leaves: u0,
  }
    (map-get? outputs {
      vpp: vpp,
      window: window,
    })
  )
)

;; Supply and demand among the members in a window, and what is left for others.
(define-read-only (get-balance
    (vpp uint)
    (window uint)
  )
  (let ((output (get-output vpp window)))
    {
      supply-wh: (get export-wh output),
      demand-wh: (get import-wh output),
      surplus-wh: (- (to-int (get export-wh output)) (to-int (get import-wh output))),
    }
  )
)

(define-read-only (get-forecast
    (vpp uint)
    (window uint)
  )
  (map-get? forecasts {
    vpp: vpp,
    window: window,
  })
)

;; How good the VPP's forecasts were: 10000 is perfect.
(define-read-only (get-score (vpp uint))
  (let (
      (sums (scores-of vpp))
      (most (+ (get error-wh sums) (get output-wh sums)))
    )
    (merge sums { accuracy-bps: (if (is-eq most u0)
      (if (is-eq (get scored sums) u0)
        u0
        BPS
      )
      (/ (* BPS (get output-wh sums)) most)
    ) })
  )
)

;;;; Public: members

;; Creates a VPP that the caller operates; gives its id.
(define-public (create-vpp (name (string-ascii 64)))
  (let ((vpp (+ (var-get vpp-count) u1)))
    (try! (assert-running))
    (asserts! (is-some (contract-call? .registration get-user contract-caller))
      ERR_UNKNOWN_USER
    )
    (asserts! (> (len name) u0) ERR_TEXT)
    (map-insert vpps vpp {
      operator: contract-caller,
      name: name,
      members: u0,
      capacity-w: u0,
      created-at: stacks-block-time,
    })
    (var-set vpp-count vpp)
    (print {
      topic: "vpp-created",
      vpp: vpp,
      operator: contract-caller,
      name: name,
    })
    (ok vpp)
  )
)

;; Brings a connected asset of the caller into a VPP from the next window on.
(define-public (join
    (vpp uint)
    (asset uint)
  )
  (let (
      (found (unwrap! (map-get? vpps vpp) ERR_UNKNOWN_VPP))
      (device (unwrap! (contract-call? .registration get-device asset) ERR_UNKNOWN_ASSET))
      (capacity-w (contract-call? .grid-management get-export-limit asset))
      (since (next-window))
    )
    (try! (assert-running))
    (asserts! (is-eq contract-caller (get owner device)) ERR_NOT_OWNER)
    (asserts! (> capacity-w u0) ERR_NOT_CONNECTED)
    (asserts! (map-insert vpp-of asset vpp) ERR_IN_VPP)
    (asserts!
      (match (get-membership vpp asset)
        before (>= since
          (+ (get until before)
            (contract-call? .governance get-parameter "settlement-deadline-s")
          ))
        true
      )
      ERR_AWAY
    )
    (map-set memberships {
      vpp: vpp,
      asset: asset,
    } {
      since: since,
      until: OPEN_ENDED,
      capacity-w: capacity-w,
    })
    (map-set vpps vpp
      (merge found {
        members: (+ (get members found) u1),
        capacity-w: (+ (get capacity-w found) capacity-w),
      })
    )
    (print {
      topic: "vpp-joined",
      vpp: vpp,
      asset: asset,
      owner: contract-caller,
      capacity-w: capacity-w,
      since: since,
    })
    (ok since)
  )
)

;; Takes an asset out of its VPP from the next window on.
(define-public (leave (asset uint))
  (let (
      (vpp (unwrap! (map-get? vpp-of asset) ERR_NOT_MEMBER))
      (found (unwrap! (map-get? vpps vpp) ERR_UNKNOWN_VPP))
      (device (unwrap! (contract-call? .registration get-device asset) ERR_UNKNOWN_ASSET))
      (membership (unwrap! (get-membership vpp asset) ERR_NOT_MEMBER))
      (until (next-window))
    )
    (asserts!
      (or
        (is-eq contract-caller (get owner device))
        (is-eq contract-caller (get operator found))
        (not (contract-call? .grid-management is-connected asset))
      )
      ERR_NOT_OWNER
    )
    (map-delete vpp-of asset)
    (map-set memberships {
      vpp: vpp,
      asset: asset,
    }
      (merge membership { until: until })
    )
    (map-set vpps vpp
      (merge found {
        members: (- (get members found) u1),
        capacity-w: (- (get capacity-w found) (get capacity-w membership)),
      })
    )
    (print {
      topic: "vpp-left",
      vpp: vpp,
      asset: asset,
      by: contract-caller,
      until: until,
    })
    (ok until)
  )
)

;;;; Public: output

;; Adds proven leaves of members to the VPP's output of one window. A newer revision of a
;; leaf replaces an older one.
(define-public (aggregate-window
    (vpp uint)
    (window uint)
    (proven (list 24 {
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
  (begin
    (asserts! (is-some (map-get? vpps vpp)) ERR_UNKNOWN_VPP)
    (asserts! (> (len proven) u0) ERR_EMPTY)
    (try! (fold count-leaf proven
      (ok {
        vpp: vpp,
        window: window,
      })
    ))
    (print {
      topic: "window-aggregated",
      vpp: vpp,
      window: window,
      output: (get-output vpp window),
    })
    (ok (get-output vpp window))
  )
)

;; Says what the VPP will feed in; before the window begins, once.
(define-public (publish-forecast
    (vpp uint)
    (window uint)
    (export-wh uint)
  )
  (let ((found (unwrap! (map-get? vpps vpp) ERR_UNKNOWN_VPP)))
    (asserts! (is-eq contract-caller (get operator found)) ERR_NOT_OPERATOR)
    (asserts!
      (and (is-eq (mod window (window-s)) u0) (> window stacks-block-time))
      ERR_WINDOW
    )
    (asserts! (<= export-wh (/ (* (get capacity-w found) (window-s)) HOUR_S))
      ERR_FORECAST
    )
    (asserts!
      (map-insert forecasts {
        vpp: vpp,
        window: window,
      } {
        export-wh: export-wh,
        published-at: stacks-block-time,
        error-bps: none,
      })
      ERR_KNOWN_FORECAST
    )
    (print {
      topic: "forecast-published",
      vpp: vpp,
      window: window,
      export-wh: export-wh,
    })
    (ok true)
  )
)

;; Scores a forecast against the output that was proven, once, a day after the window.
;; Anyone scores; the error is the difference in parts of the larger of the two.
(define-public (score-forecast
    (vpp uint)
    (window uint)
  )
  (let (
      (forecast (unwrap! (get-forecast vpp window) ERR_NO_FORECAST))
      (expected (get export-wh forecast))
      (output (get export-wh (get-output vpp window)))
      (most (larger expected output))
      (error-wh (- most (smaller expected output)))
      (error-bps (if (is-eq most u0)
        u0
        (/ (* BPS error-wh) most)
      ))
      (sums (scores-of vpp))
    )
    (asserts! (is-none (get error-bps forecast)) ERR_SCORED)
    (asserts! (>= stacks-block-time (+ window (window-s) SCORE_S)) ERR_TOO_EARLY)
    (asserts! (has-energy window) ERR_NOT_ATTESTED)
    (map-set forecasts {
      vpp: vpp,
      window: window,
    }
      (merge forecast { error-bps: (some error-bps) })
    )
    (map-set scores vpp {
      scored: (+ (get scored sums) u1),
      forecast-wh: (+ (get forecast-wh sums) expected),
      output-wh: (+ (get output-wh sums) output),
      error-wh: (+ (get error-wh sums) error-wh),
    })
    (print {
      topic: "forecast-scored",
      vpp: vpp,
      window: window,
      forecast-wh: expected,
      output-wh: output,
      error-bps: error-bps,
    })
    (ok error-bps)
  )
)

;;;; Private

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

(define-private (window-s)
  (contract-call? .oracle-staking get-window-length)
)

;; The start of the first window that has not begun.
(define-private (next-window)
  (* (+ (/ stacks-block-time (window-s)) u1) (window-s))
)

(define-private (scores-of (vpp uint))
  (default-to {
    scored: u0,
    forecast-wh: u0,
    output-wh: u0,
    error-wh: u0,
  }
    (map-get? scores vpp)
  )
)

;; True if the window's newest attestation is no void.
(define-private (has-energy (window uint))
  (match (contract-call? .production-oracle get-latest-revision window)
    revision (match (contract-call? .production-oracle get-attestation window revision)
      attested (is-some (get summary attested))
      false
    )
    false
  )
)

(define-private (count-leaf
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
    (target (response {
      vpp: uint,
      window: uint,
    } uint))
  )
  (let (
      (place (try! target))
      (proven (try! (contract-call? .verification-engine verify-leaf (get revision proof)
        (get zone proof) (get leaf proof) (get index proof) (get siblings proof)
      )))
      (asset (get usage-point proven))
      (key (merge place { asset: asset }))
      (before (map-get? counted key))
      (old (default-to {
        revision: u0,
        export-wh: u0,
        import-wh: u0,
      }
        before
      ))
      (output (get-output (get vpp place) (get window place)))
    )
    (asserts! (is-eq (get window proven) (get window place)) ERR_OTHER_WINDOW)
    (asserts! (is-member-at (get vpp place) asset (get window place)) ERR_NOT_MEMBER)
    (asserts! (>= (+ (get since (get leaf proof)) (window-s)) (get window place)) ERR_GAP)
    (asserts! (or (is-none before) (> (get revision proof) (get revision old)))
      ERR_COUNTED
    )
    (map-set counted key {
      revision: (get revision proof),
      export-wh: (get export-wh proven),
      import-wh: (get import-wh proven),
    })
    (map-set outputs place {
      export-wh: (+ (- (get export-wh output) (get export-wh old)) (get export-wh proven)),
      import-wh: (+ (- (get import-wh output) (get import-wh old)) (get import-wh proven)),
      leaves: (+ (get leaves output)
        (if (is-none before)
          u1
          u0
        )),
    })
    (ok place)
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
