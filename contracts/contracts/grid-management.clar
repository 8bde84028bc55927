;; Title: grid-management
;; Decides: who operates the grid, which assets are connected to it and with what limit,
;;   what state a zone is in, and what is ordered of storage and load. A zone's frequency
;;   and voltage are its operator's word and pay nobody; energy fed in is proven.
;; Immutable: orders and balancing actions are inserted once; a feed is changed by a
;;   newer revision of its window only.
;; Who may call: governors authorise operators; operators connect, report, order and end
;;   emergencies; an owner disconnects its own asset, and anyone one that is verified no
;;   more; anyone proves energy. A pause stops connecting and nothing else.

;;;; Constants

;; What `implement-emergency-protocol` puts in force; NO_PROTOCOL ends it.
(define-constant NO_PROTOCOL u0)
(define-constant SHED_LOAD u1)
;; 2 curtail feeding in, 3 fail over to the reserve line, 4 start from black.
(define-constant PROTOCOL_MAX u4)

;; Conditions of a zone.
(define-constant NORMAL u0)
(define-constant ALERT u1)
(define-constant EMERGENCY u2)

;; Directions of a storage order.
(define-constant CHARGE u1)
(define-constant DISCHARGE u2)

;; Balancing actions: 1 load shedding, 2 curtailment, 3 peak shaving, 4 load shifting,
;; 5 demand response.
(define-constant ACTION_MAX u5)

;; The source of energy that registration calls storage.
(define-constant STORAGE u6)
;; How far a measurement may lie from the nominal value, in basis points: for 50 Hz
;; 49.8 to 50.2 is normal and less than 49.5 or more than 50.5 an emergency.
(define-constant FREQUENCY_ALERT_BPS u40)
(define-constant FREQUENCY_EMERGENCY_BPS u100)
(define-constant VOLTAGE_ALERT_BPS u1000)
(define-constant VOLTAGE_EMERGENCY_BPS u1500)
(define-constant BPS u10000)
;; Nominal values where an operator has set none: 50 Hz in mHz and 230 V in mV.
(define-constant NOMINAL_MHZ u50000)
(define-constant NOMINAL_MV u230000)
;; 1 MV: no grid has more.
(define-constant VOLTAGE_MAX_MV u1000000000)
(define-constant FREQUENCY_MAX_MHZ u100000)
;; 10 GW, as in registration; a zone's connection to the main grid has at most 1 TW.
(define-constant POWER_MAX_W u10000000000)
(define-constant ZONE_POWER_MAX_W u1000000000000)
;; An order or an action lasts at most a week of quarters of an hour.
(define-constant WINDOWS_MAX u672)
(define-constant HOUR_S u3600)

;; Only a governor authorises operators.
(define-constant ERR_NOT_GOVERNOR (err u860))
;; The caller is no authorised operator, nor another who may do this.
(define-constant ERR_NOT_OPERATOR (err u861))
;; Nothing is connected during a pause.
(define-constant ERR_PAUSED (err u862))
;; The operator has this authorisation already.
(define-constant ERR_SAME (err u863))
;; No device has this id.
(define-constant ERR_UNKNOWN_ASSET (err u864))
;; The asset is not verified.
(define-constant ERR_NOT_VERIFIED (err u865))
;; The asset is connected already.
(define-constant ERR_CONNECTED (err u866))
;; The asset is not connected.
(define-constant ERR_NOT_CONNECTED (err u867))
;; A limit is above 0 and not above the asset's capacity.
(define-constant ERR_LIMIT (err u868))
;; The zone's connection to the main grid has no room for this.
(define-constant ERR_ZONE_LIMIT (err u869))
;; A measurement or nominal value is above 0 and possible.
(define-constant ERR_MEASUREMENT (err u870))
;; No such protocol, or it is in force already.
(define-constant ERR_PROTOCOL (err u871))
;; The zone's emergency is not over.
(define-constant ERR_EMERGENCY (err u872))
;; The zone is in that mode already.
(define-constant ERR_ISLAND (err u873))
;; The asset is no storage.
(define-constant ERR_NOT_STORAGE (err u874))
;; No such direction or kind.
(define-constant ERR_KIND (err u875))
;; Windows start at a multiple of the window length, ahead of now, one to a week.
(define-constant ERR_WINDOWS (err u876))
;; A power is above 0 and within the connection's limit.
(define-constant ERR_POWER (err u877))
;; No order has this id.
(define-constant ERR_UNKNOWN_ORDER (err u878))
;; The leaf is not of this order's asset and windows.
(define-constant ERR_OTHER_LEAF (err u879))
;; This leaf, or a newer revision of it, is counted already.
(define-constant ERR_COUNTED (err u880))
;; The leaf follows a gap: it tells energy of earlier windows too, which late data may tell.
(define-constant ERR_GAP (err u881))

;;;; Data

(define-map operators
  principal
  bool
)

;; Invariant: `limit-w` is at most the asset's capacity; connected or not, the entry stays.
(define-map connections
  uint
  {
    connected: bool,
    zone: uint,
    limit-w: uint,
    by: principal,
    changed-at: uint,
  }
)

;; Invariant: `connected-w` is the sum of the limits of the zone's connected assets; it is
;; not above `limit-w` when one is connected.
(define-map interconnections
  uint
  {
    limit-w: uint,
    connected-w: uint,
    nominal-mhz: uint,
    nominal-mv: uint,
  }
)

;; What an operator said last of a zone.
(define-map statuses
  uint
  {
    frequency-mhz: uint,
    voltage-mv: uint,
    condition: uint,
    protocol: uint,
    islanded: bool,
    by: principal,
    updated-at: uint,
  }
)

(define-data-var order-count uint u0)

;; Insert-only but for `delivered-wh`, which is the sum of `fulfilled`.
(define-map orders
  uint
  {
    asset: uint,
    direction: uint,
    power-w: uint,
    first-window: uint,
    windows: uint,
    target-wh: uint,
    delivered-wh: uint,
    by: principal,
  }
)

;; A leaf counts once in an order; its newer revision replaces it.
(define-map fulfilled
  {
    order: uint,
    window: uint,
  }
  {
    revision: uint,
    energy-wh: uint,
  }
)

(define-data-var action-count uint u0)

;; Insert-only.
(define-map actions
  uint
  {
    zone: uint,
    kind: uint,
    power-w: uint,
    first-window: uint,
    windows: uint,
    by: principal,
  }
)

;; What an asset fed in and drew in a window, by its newest proven revision.
(define-map feeds
  {
    asset: uint,
    window: uint,
  }
  {
    revision: uint,
    export-wh: uint,
    import-wh: uint,
    above-limit: bool,
  }
)

;; Invariant: the sums over the asset's feeds.
(define-map feed-totals
  uint
  {
    export-wh: uint,
    import-wh: uint,
    windows: uint,
    above-limit: uint,
  }
)

;;;; Read-only

(define-read-only (is-authorized-operator (who principal))
  (default-to false (map-get? operators who))
)

(define-read-only (get-connection (asset uint))
  (map-get? connections asset)
)

;; True if the asset is connected and its registration still counts.
(define-read-only (is-connected (asset uint))
  (and
    (default-to false (get connected (map-get? connections asset)))
    (contract-call? .registration is-verified-at asset stacks-block-time)
  )
)

;; What the asset may feed in, in W; 0 if it is not connected.
(define-read-only (get-export-limit (asset uint))
  (if (is-connected asset)
    (default-to u0 (get limit-w (map-get? connections asset)))
    u0
  )
)

;; True if the asset is connected and no emergency stops new trades in its zone.
(define-read-only (may-trade (asset uint))
  (and
    (is-connected asset)
    (is-eq
      (get protocol
        (status-of (default-to u0 (get zone (map-get? connections asset))))
      )
      NO_PROTOCOL
    )
  )
)

;; The state of a zone: what was measured, how that is judged, what is in force.
(define-read-only (get-current-grid-status (zone uint))
  (merge (status-of zone) (get-interconnection zone))
)

(define-read-only (get-interconnection (zone uint))
  (default-to {
    limit-w: ZONE_POWER_MAX_W,
    connected-w: u0,
    nominal-mhz: NOMINAL_MHZ,
    nominal-mv: NOMINAL_MV,
  }
    (map-get? interconnections zone)
  )
)

;; Supply and demand of a zone in an attested window, as meters saw them.
(define-read-only (get-zone-balance
    (window uint)
    (zone uint)
  )
  (match (contract-call? .production-oracle get-latest-revision window)
    revision (match (contract-call? .production-oracle get-zone window revision zone)
      open (some {
        supply-wh: (get export-wh open),
        demand-wh: (get import-wh open),
        surplus-wh: (- (to-int (get export-wh open)) (to-int (get import-wh open))),
        revision: revision,
      })
      none
    )
    none
  )
)

(define-read-only (get-order (order uint))
  (map-get? orders order)
)

(define-read-only (get-order-count)
  (var-get order-count)
)

(define-read-only (get-action (action uint))
  (map-get? actions action)
)

(define-read-only (get-feed
    (asset uint)
    (window uint)
  )
  (map-get? feeds {
    asset: asset,
    window: window,
  })
)

(define-read-only (get-feed-total (asset uint))
  (default-to {
    export-wh: u0,
    import-wh: u0,
    windows: u0,
    above-limit: u0,
  }
    (map-get? feed-totals asset)
  )
)

;;;; Public: operators and connections

;; Makes a principal an operator, or no operator any more.
(define-public (set-operator-authorization
    (operator principal)
    (authorized bool)
  )
  (begin
    (asserts! (contract-call? .roles is-governor contract-caller) ERR_NOT_GOVERNOR)
    (asserts! (not (is-eq (is-authorized-operator operator) authorized)) ERR_SAME)
    (map-set operators operator authorized)
    (print {
      topic: "operator-authorization-set",
      operator: operator,
      authorized: authorized,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Sets what a zone may feed into the main grid and its nominal frequency and voltage.
;; What is connected already stays; only a new connection must fit.
(define-public (set-interconnection-limit
    (zone uint)
    (limit-w uint)
    (nominal-mhz uint)
    (nominal-mv uint)
  )
  (begin
    (try! (assert-operator))
    (asserts! (and (> limit-w u0) (<= limit-w ZONE_POWER_MAX_W)) ERR_LIMIT)
    (try! (assert-measurement nominal-mhz nominal-mv))
    (asserts! (and (> nominal-mhz u0) (> nominal-mv u0)) ERR_MEASUREMENT)
    (map-set interconnections zone {
      limit-w: limit-w,
      connected-w: (get connected-w (get-interconnection zone)),
      nominal-mhz: nominal-mhz,
      nominal-mv: nominal-mv,
    })
    (print {
      topic: "interconnection-limit-set",
      zone: zone,
      limit-w: limit-w,
      nominal-mhz: nominal-mhz,
      nominal-mv: nominal-mv,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Connects a verified asset that may then feed in `limit-w` at most.
(define-public (connect-asset
    (asset uint)
    (limit-w uint)
  )
  (let (
      (device (unwrap! (contract-call? .registration get-device asset) ERR_UNKNOWN_ASSET))
      (zone (get zone device))
      (interconnection (get-interconnection zone))
      (connected-w (+ (get connected-w interconnection) limit-w))
    )
    (try! (assert-operator))
    (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED)
    (asserts! (contract-call? .registration is-verified-at asset stacks-block-time)
      ERR_NOT_VERIFIED
    )
    (asserts! (not (default-to false (get connected (map-get? connections asset))))
      ERR_CONNECTED
    )
    (asserts! (and (> limit-w u0) (<= limit-w (get capacity-w device))) ERR_LIMIT)
    (asserts! (<= connected-w (get limit-w interconnection)) ERR_ZONE_LIMIT)
    (asserts! (is-eq (get protocol (status-of zone)) NO_PROTOCOL) ERR_EMERGENCY)
    (map-set connections asset {
      connected: true,
      zone: zone,
      limit-w: limit-w,
      by: contract-caller,
      changed-at: stacks-block-time,
    })
    (map-set interconnections zone
      (merge interconnection { connected-w: connected-w })
    )
    (print {
      topic: "asset-connected",
      asset: asset,
      zone: zone,
      limit-w: limit-w,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Takes an asset off the grid: by an operator, its owner, or anyone once it is verified
;; no more.
(define-public (disconnect-asset (asset uint))
  (let (
      (device (unwrap! (contract-call? .registration get-device asset) ERR_UNKNOWN_ASSET))
      (connection (unwrap! (map-get? connections asset) ERR_NOT_CONNECTED))
      (zone (get zone connection))
      (interconnection (get-interconnection zone))
    )
    (asserts! (get connected connection) ERR_NOT_CONNECTED)
    (asserts!
      (or
        (is-authorized-operator contract-caller)
        (is-eq contract-caller (get owner device))
        (not (contract-call? .registration is-verified-at asset stacks-block-time))
      )
      ERR_NOT_OPERATOR
    )
    (map-set connections asset
      (merge connection {
        connected: false,
        by: contract-caller,
        changed-at: stacks-block-time,
      })
    )
    (map-set interconnections zone
      (merge interconnection { connected-w: (- (get connected-w interconnection) (get limit-w connection)) })
    )
    (print {
      topic: "asset-disconnected",
      asset: asset,
      zone: zone,
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Public: state of a zone

;; Reports what is measured in a zone. Far from the nominal values it puts load shedding
;; in force at once; only an operator's word ends that.
(define-public (update-grid-status
    (zone uint)
    (frequency-mhz uint)
    (voltage-mv uint)
  )
  (let (
      (before (status-of zone))
      (interconnection (get-interconnection zone))
      (condition (larger
        (judge frequency-mhz (get nominal-mhz interconnection) FREQUENCY_ALERT_BPS
          FREQUENCY_EMERGENCY_BPS
        )
        (judge voltage-mv (get nominal-mv interconnection) VOLTAGE_ALERT_BPS
          VOLTAGE_EMERGENCY_BPS
        )
      ))
      (protocol (if (and (is-eq condition EMERGENCY) (is-eq (get protocol before) NO_PROTOCOL))
        SHED_LOAD
        (get protocol before)
      ))
    )
    (try! (assert-operator))
    (try! (assert-measurement frequency-mhz voltage-mv))
    (map-set statuses zone {
      frequency-mhz: frequency-mhz,
      voltage-mv: voltage-mv,
      condition: condition,
      protocol: protocol,
      islanded: (get islanded before),
      by: contract-caller,
      updated-at: stacks-block-time,
    })
    (print {
      topic: "grid-status-updated",
      zone: zone,
      frequency-mhz: frequency-mhz,
      voltage-mv: voltage-mv,
      condition: condition,
      protocol: protocol,
      islanded: (get islanded before),
      by: contract-caller,
    })
    (ok condition)
  )
)

;; Puts an emergency protocol in force in a zone, or with 0 ends it. While one is in
;; force nothing new is connected and no new offer is made in the zone.
(define-public (implement-emergency-protocol
    (zone uint)
    (protocol uint)
  )
  (let ((before (status-of zone)))
    (try! (assert-operator))
    (asserts!
      (and (<= protocol PROTOCOL_MAX) (not (is-eq protocol (get protocol before))))
      ERR_PROTOCOL
    )
    ;; What was measured last must allow the end.
    (asserts!
      (or (not (is-eq protocol NO_PROTOCOL)) (< (get condition before) EMERGENCY))
      ERR_EMERGENCY
    )
    (map-set statuses zone (merge before { protocol: protocol }))
    (print {
      topic: "emergency-protocol-implemented",
      zone: zone,
      protocol: protocol,
      before: (get protocol before),
      by: contract-caller,
    })
    (ok true)
  )
)

;; Cuts a zone from the main grid, or joins it again, for which it must be normal.
(define-public (set-island-mode
    (zone uint)
    (islanded bool)
  )
  (let ((before (status-of zone)))
    (try! (assert-operator))
    (asserts! (not (is-eq islanded (get islanded before))) ERR_ISLAND)
    (asserts! (or islanded (is-eq (get condition before) NORMAL)) ERR_EMERGENCY)
    (map-set statuses zone (merge before { islanded: islanded }))
    (print {
      topic: "island-mode-set",
      zone: zone,
      islanded: islanded,
      by: contract-caller,
    })
    (ok true)
  )
)

;;;; Public: orders

;; Orders a connected storage to charge or discharge with `power-w` through `windows`
;; windows. Gives the order's id; leaves of its meter say later what it did.
(define-public (dispatch-storage
    (asset uint)
    (direction uint)
    (power-w uint)
    (first-window uint)
    (windows uint)
  )
  (let (
      (device (unwrap! (contract-call? .registration get-device asset) ERR_UNKNOWN_ASSET))
      (order (+ (var-get order-count) u1))
      (entry {
        asset: asset,
        direction: direction,
        power-w: power-w,
        first-window: first-window,
        windows: windows,
        target-wh: (/ (* power-w windows (window-s)) HOUR_S),
        delivered-wh: u0,
        by: contract-caller,
      })
    )
    (try! (assert-operator))
    (asserts! (is-connected asset) ERR_NOT_CONNECTED)
    (asserts! (is-eq (get source device) STORAGE) ERR_NOT_STORAGE)
    (asserts! (or (is-eq direction CHARGE) (is-eq direction DISCHARGE)) ERR_KIND)
    (asserts! (and (> power-w u0) (<= power-w (get-export-limit asset))) ERR_POWER)
    (try! (assert-windows first-window windows))
    (map-insert orders order entry)
    (var-set order-count order)
    (print {
      topic: "storage-dispatched",
      order: order,
      entry: entry,
    })
    (ok order)
  )
)

;; Counts a proven leaf of an order's storage in one of its windows.
(define-public (confirm-dispatch
    (order uint)
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
      (entry (unwrap! (map-get? orders order) ERR_UNKNOWN_ORDER))
      (proven (try! (contract-call? .verification-engine verify-leaf revision zone leaf index
        siblings
      )))
      (window (get window proven))
      (key {
        order: order,
        window: window,
      })
      (before (map-get? fulfilled key))
      (energy-wh (if (is-eq (get direction entry) CHARGE)
        (get import-wh proven)
        (get export-wh proven)
      ))
      (delivered-wh (+ (- (get delivered-wh entry) (default-to u0 (get energy-wh before)))
        energy-wh
      ))
    )
    (asserts!
      (and
        (is-eq (get usage-point proven) (get asset entry))
        (>= window (get first-window entry))
        (< window (+ (get first-window entry) (* (get windows entry) (window-s))))
      )
      ERR_OTHER_LEAF
    )
    (asserts! (is-newer revision (get revision before)) ERR_COUNTED)
    (asserts! (>= (+ (get since leaf) (window-s)) window) ERR_GAP)
    (map-set fulfilled key {
      revision: revision,
      energy-wh: energy-wh,
    })
    (map-set orders order (merge entry { delivered-wh: delivered-wh }))
    (print {
      topic: "dispatch-confirmed",
      order: order,
      window: window,
      revision: revision,
      energy-wh: energy-wh,
      delivered-wh: delivered-wh,
    })
    (ok delivered-wh)
  )
)

;; Orders a balancing action of a zone, for its members and their devices to follow.
(define-public (order-balancing
    (zone uint)
    (kind uint)
    (power-w uint)
    (first-window uint)
    (windows uint)
  )
  (let (
      (action (+ (var-get action-count) u1))
      (entry {
        zone: zone,
        kind: kind,
        power-w: power-w,
        first-window: first-window,
        windows: windows,
        by: contract-caller,
      })
    )
    (try! (assert-operator))
    (asserts! (and (> kind u0) (<= kind ACTION_MAX)) ERR_KIND)
    (asserts! (and (> power-w u0) (<= power-w ZONE_POWER_MAX_W)) ERR_POWER)
    (try! (assert-windows first-window windows))
    (map-insert actions action entry)
    (var-set action-count action)
    (print {
      topic: "balancing-ordered",
      action: action,
      entry: entry,
    })
    (ok action)
  )
)

;; Records what a connected asset fed in and drew in a window, by a proven leaf; tells
;; whether that is above its limit. A newer revision of the window replaces an older one.
(define-public (record-power-feed
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
      (asset (get usage-point proven))
      (window (get window proven))
      (connection (unwrap! (map-get? connections asset) ERR_NOT_CONNECTED))
      (key {
        asset: asset,
        window: window,
      })
      (before (map-get? feeds key))
      (old (default-to {
        revision: u0,
        export-wh: u0,
        import-wh: u0,
        above-limit: false,
      }
        before
      ))
      (totals (get-feed-total asset))
      (above-limit (> (* (get export-wh proven) HOUR_S) (* (get limit-w connection) (window-s))))
    )
    (asserts! (get connected connection) ERR_NOT_CONNECTED)
    (asserts! (is-newer revision (get revision before)) ERR_COUNTED)
    (asserts! (>= (+ (get since leaf) (window-s)) window) ERR_GAP)
    (map-set feeds key {
      revision: revision,
      export-wh: (get export-wh proven),
      import-wh: (get import-wh proven),
      above-limit: above-limit,
    })
    (map-set feed-totals asset {
      export-wh: (+ (- (get export-wh totals) (get export-wh old)) (get export-wh proven)),
      import-wh: (+ (- (get import-wh totals) (get import-wh old)) (get import-wh proven)),
      windows: (+ (get windows totals)
        (if (is-none before)
          u1
          u0
        )),
      above-limit: (+ (- (get above-limit totals) (one-if (get above-limit old)))
        (one-if above-limit)
      ),
    })
    (print {
      topic: "power-feed-recorded",
      asset: asset,
      window: window,
      revision: revision,
      export-wh: (get export-wh proven),
      import-wh: (get import-wh proven),
      above-limit: above-limit,
    })
    (ok above-limit)
  )
)

;;;; Private

(define-private (assert-operator)
  (ok (asserts! (is-authorized-operator contract-caller) ERR_NOT_OPERATOR))
)

(define-private (assert-measurement
    (frequency-mhz uint)
    (voltage-mv uint)
  )
  (ok (asserts!
    (and (<= frequency-mhz FREQUENCY_MAX_MHZ) (<= voltage-mv VOLTAGE_MAX_MV))
    ERR_MEASUREMENT
  ))
)

(define-private (assert-windows
    (first-window uint)
    (windows uint)
  )
  (ok (asserts!
    (and
      (> windows u0)
      (<= windows WINDOWS_MAX)
      (is-eq (mod first-window (window-s)) u0)
      (> first-window stacks-block-time)
    )
    ERR_WINDOWS
  ))
)

(define-private (window-s)
  (contract-call? .oracle-staking get-window-length)
)

(define-private (status-of (zone uint))
  (default-to {
    frequency-mhz: u0,
    voltage-mv: u0,
    condition: NORMAL,
    protocol: NO_PROTOCOL,
    islanded: false,
    by: current-contract,
    updated-at: u0,
  }
    (map-get? statuses zone)
  )
)

;; How far a value lies from the nominal one. A grid without voltage is an emergency.
(define-private (judge
    (value uint)
    (nominal uint)
    (alert-bps uint)
    (emergency-bps uint)
  )
  (let ((off (* BPS (if (> value nominal)
      (- value nominal)
      (- nominal value)
    ))))
    (if (> off (* nominal emergency-bps))
      EMERGENCY
      (if (> off (* nominal alert-bps))
        ALERT
        NORMAL
      )
    )
  )
)

;; True if nothing was counted, or an older revision.
(define-private (is-newer
    (revision uint)
    (counted (optional uint))
  )
  (match counted
    old (> revision old)
    true
  )
)

(define-private (one-if (yes bool))
  (if yes
    u1
    u0
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
