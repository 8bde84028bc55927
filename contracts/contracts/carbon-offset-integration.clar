;; Title: carbon-offset-integration
;; Decides: who holds granular certificates of clean energy, which are its carbon credits,
;;   and who has claimed which. A certificate is a token id (SIP-013) of one device and one
;;   production interval of at most an hour, with EnergyTag's attributes; its unit is 1 Wh.
;; Immutable: a leaf is certified once for each (usage point, window), and no two certify the
;;   same time. A restatement replaces what was counted and never adds to it: a fall is owed
;;   by the device, whose next energy pays it before any is issued. Retired units are gone,
;;   their claim stays.
;; Who may call: the owner of a verified device of a clean source registers it; anyone
;;   issues, since the proof is the authority and the owner gets the units; holders transfer
;;   and retire. A pause stops registration and issue; holders' rights go on.
;; Conservation: issued = counted + owed = supply + retired; counted <= attested.
;; Late data (A8) adds a leaf in the midst of the time that a later one has certified: it is
;;   refused until that one is issued as restated, by anyone.
;; A certificate is the energy's attribute, and no claim on the energy itself, which
;; energy-token counts; credit and certificate are one token, so no Wh is sold as both.

(impl-trait .traits-sip013.sip013-semi-fungible-token-trait)
(impl-trait .traits-sip013.sip013-transfer-many-trait)

;;;; Constants

(define-constant METER u1)
;; Sources of clean energy: 1 solar, 2 wind, 3 hydro, 4 biomass, 5 geothermal.
(define-constant SOURCE_MAX u5)
;; EnergyTag's configurations: 1 certificates beside no others, 2 beside, 3 on top of them.
(define-constant CONFIGURATION_MAX u3)
;; A granular certificate is of an hour at most.
(define-constant INTERVAL_S u3600)
;; And of at most twelve windows: how many windows back from its last.
(define-constant WINDOWS_BACK (list u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11))
(define-constant WINDOWS_MAX u12)
;; No meter counts so far, in Wh: where the registers end.
(define-constant ENERGY_MAX u1000000000000000)
;; Qualities that are certified (ESPI): validated and derived. No estimate is.
(define-constant SOUND (list u0 u17 u18 u19 u7 u11 u13 u15))

;; SIP-013's codes.
(define-constant BALANCE (err u1))
(define-constant SAME_PRINCIPAL (err u2))
(define-constant NO_AMOUNT (err u3))
(define-constant NOT_SENDER (err u4))

;; Registration and issue wait until the pause is over.
(define-constant ERR_PAUSED (err u1000))
;; The caller does not own the device, or is no registered producer.
(define-constant ERR_NOT_OWNER (err u1001))
;; The device is no verified meter of a clean source.
(define-constant ERR_NOT_CLEAN (err u1002))
;; A country has 2 letters, a technology a name, and there are three configurations.
(define-constant ERR_ATTRIBUTES (err u1003))
;; The caller has registered this device.
(define-constant ERR_REGISTERED (err u1004))
;; The device's owner has not registered it here.
(define-constant ERR_NOT_REGISTERED (err u1005))
;; The leaf has no exported energy, or more than any meter counts.
(define-constant ERR_ENERGY (err u1006))
;; The energy is of more than an hour or twelve windows, or of no time.
(define-constant ERR_INTERVAL (err u1007))
;; Estimated and questionable energy is not certified.
(define-constant ERR_QUALITY (err u1008))
;; This revision of the leaf, or a newer one, is certified.
(define-constant ERR_ISSUED (err u1009))
;; A claim has a purpose, and evidence that is named by its sha256.
(define-constant ERR_CLAIM (err u1010))
;; This contract takes none: nobody could get them out again.
(define-constant ERR_RECIPIENT (err u1011))
;; A certificate is of some of the time of this leaf.
(define-constant ERR_OVERLAP (err u1012))

;;;; Data

;; One unit is 1 Wh of whichever certificate; and who has units of a certificate, so that a
;; post-condition can name it (SIP-013).
(define-fungible-token certified-wh)
(define-non-fungible-token certificate-id {
  token-id: uint,
  owner: principal,
})

;; Devices that are certified, with what their certificates say of them.
(define-map plants
  uint
  {
    producer: principal,
    country: (string-ascii 2),
    technology: (string-ascii 32),
    operational-since: uint,
    configuration: uint,
  }
)

;; Invariant: how many plants each producer has registered.
(define-map producers
  principal
  uint
)

(define-data-var certificate-count uint u0)

;; Invariants: ids are 1 .. certificate-count; of a certificate only `revision`, `start`,
;; `wh`, `quality` and `assurance` change, by a restatement.
(define-map certificates
  uint
  {
    device: uint,
    window: uint,
    revision: uint,
    producer: principal,
    start: uint,
    end: uint,
    wh: uint,
    source: uint,
    capacity-w: uint,
    country: (string-ascii 2),
    technology: (string-ascii 32),
    operational-since: uint,
    configuration: uint,
    quality: uint,
    assurance: uint,
    carbon-g-per-kwh: uint,
    issued-at: uint,
  }
)

;; Insert-only: the certificate of a leaf.
(define-map certified
  {
    usage-point: uint,
    window: uint,
  }
  uint
)

;; Which certificate has a window of a device: each window is of one at most.
(define-map windows-certified
  {
    device: uint,
    window: uint,
  }
  uint
)

;; What a device owes: certified once, and restated away.
(define-map owed
  uint
  uint
)

;; Invariants: balances of a certificate add up to its supply; all balances of a principal
;; to its balance of `certified-wh`.
(define-map balances
  {
    token-id: uint,
    owner: principal,
  }
  uint
)

(define-map supplies
  uint
  uint
)

;; Invariant: issued = counted + owed = supply + retired.
(define-data-var totals {
  issued: uint,
  counted: uint,
  owed: uint,
  retired: uint,
} {
  issued: u0,
  counted: u0,
  owed: u0,
  retired: u0,
})

(define-data-var retirement-count uint u0)

;; Insert-only: ids are 1 .. retirement-count.
(define-map retirements
  uint
  {
    token-id: uint,
    holder: principal,
    beneficiary: principal,
    wh: uint,
    carbon-g: uint,
    purpose: (string-ascii 64),
    claim: (buff 32),
    retired-at: uint,
  }
)

;;;; Read-only

(define-read-only (is-clean-energy-producer (who principal))
  (> (default-to u0 (map-get? producers who)) u0)
)

(define-read-only (get-plant (device uint))
  (map-get? plants device)
)

;; Everything EnergyTag asks a certificate to say, but for what is the same in all: its
;; carrier is electricity, its unit is Wh, it is of production and not of storage, and its
;; issuer is this contract.
(define-read-only (get-certificate (token-id uint))
  (map-get? certificates token-id)
)

(define-read-only (get-certificate-of
    (usage-point uint)
    (window uint)
  )
  (map-get? certified {
    usage-point: usage-point,
    window: window,
  })
)

;; The certificate that a window of a device belongs to.
(define-read-only (get-window-certificate
    (device uint)
    (window uint)
  )
  (map-get? windows-certified {
    device: device,
    window: window,
  })
)

(define-read-only (get-certificate-count)
  (var-get certificate-count)
)

(define-read-only (get-retirement (retirement uint))
  (map-get? retirements retirement)
)

(define-read-only (get-retirement-count)
  (var-get retirement-count)
)

;; All credits of a principal, in Wh.
(define-read-only (get-carbon-credits-balance (who principal))
  (ft-get-balance certified-wh who)
)

;; What a device owes, in Wh.
(define-read-only (get-owed (device uint))
  (default-to u0 (map-get? owed device))
)

;; All that was ever issued, what of it stands by the newest attestations, what devices owe,
;; and what is retired, in Wh.
(define-read-only (get-totals)
  (merge (var-get totals) { supply: (ft-get-supply certified-wh) })
)

;; The carbon dioxide that so much of a certificate has avoided, in grams, rounded down.
(define-read-only (get-carbon-g
    (token-id uint)
    (wh uint)
  )
  (match (map-get? certificates token-id)
    certificate (/ (* (smaller wh ENERGY_MAX) (get carbon-g-per-kwh certificate)) u1000)
    u0
  )
)

;;;; Read-only: SIP-013

(define-read-only (get-balance
    (token-id uint)
    (who principal)
  )
  (ok (balance-of token-id who))
)

(define-read-only (get-overall-balance (who principal))
  (ok (ft-get-balance certified-wh who))
)

(define-read-only (get-total-supply (token-id uint))
  (ok (supply-of token-id))
)

(define-read-only (get-overall-supply)
  (ok (ft-get-supply certified-wh))
)

;; A wallet shows kWh.
(define-read-only (get-decimals (token-id uint))
  (ok u3)
)

(define-read-only (get-token-uri (token-id uint))
  (ok none)
)

;;;; Public: certificates

;; Registers a verified meter of the caller, of a clean source, to be certified. A new owner
;; registers it again.
(define-public (register-clean-energy-producer
    (device uint)
    (attributes {
      country: (string-ascii 2),
      technology: (string-ascii 32),
      operational-since: uint,
      configuration: uint,
    })
  )
  (let (
      (asset (unwrap! (contract-call? .registration get-device device) ERR_NOT_CLEAN))
      (plant (merge attributes { producer: contract-caller }))
      (known (map-get? plants device))
      (configuration (get configuration attributes))
    )
    (try! (assert-running))
    (asserts!
      (and
        (is-eq contract-caller (get owner asset))
        (is-some (contract-call? .registration get-producer-info contract-caller))
      )
      ERR_NOT_OWNER
    )
    (asserts!
      (and
        (is-eq (get kind asset) METER)
        (contract-call? .registration is-verified-at device stacks-block-time)
        (> (get source asset) u0)
        (<= (get source asset) SOURCE_MAX)
      )
      ERR_NOT_CLEAN
    )
    (asserts!
      (and
        (is-eq (len (get country attributes)) u2)
        (> (len (get technology attributes)) u0)
        (<= (get operational-since attributes) stacks-block-time)
        (> configuration u0)
        (<= configuration CONFIGURATION_MAX)
      )
      ERR_ATTRIBUTES
    )
    (asserts! (not (is-eq (get producer known) (some contract-caller))) ERR_REGISTERED)
    (match known
      before (map-set producers (get producer before)
        (- (plants-of (get producer before)) u1)
      )
      false
    )
    (map-set producers contract-caller (+ (plants-of contract-caller) u1))
    (map-set plants device plant)
    (print {
      topic: "clean-energy-producer-registered",
      device: device,
      plant: plant,
    })
    (ok true)
  )
)

;; Certifies the exported energy of a proven leaf and gives it to the device's owner: a
;; certificate of its own, or what a newer revision adds to it.
(define-public (issue-carbon-credits
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
      (proven (begin
        (try! (assert-running))
        (try! (contract-call? .verification-engine verify-leaf revision zone leaf index
          siblings
        ))
      ))
      (device (get usage-point leaf))
      (window (get window leaf))
      (producer (get producer proven))
      (plant (unwrap! (map-get? plants device) ERR_NOT_REGISTERED))
    )
    (asserts! (is-eq producer (get producer plant)) ERR_NOT_REGISTERED)
    (match (get-certificate-of device window)
      token-id (restate token-id revision leaf producer)
      (certify revision leaf plant)
    )
  )
)

;; The seeds' name for a transfer of the caller's own units.
(define-public (transfer-carbon-credits
    (token-id uint)
    (amount uint)
    (recipient principal)
  )
  (move token-id amount contract-caller recipient)
)

;; Uses the caller's units up, for good: `purpose` and `claim`, the sha256 of its evidence,
;; say what for, `beneficiary` for whom. Gives the id of the retirement.
(define-public (retire-carbon-credits
    (token-id uint)
    (amount uint)
    (beneficiary principal)
    (purpose (string-ascii 64))
    (claim (buff 32))
  )
  (let (
      (holder contract-caller)
      (balance (balance-of token-id holder))
      (retirement (+ (var-get retirement-count) u1))
      (sums (var-get totals))
      (entry {
        token-id: token-id,
        holder: holder,
        beneficiary: beneficiary,
        wh: amount,
        carbon-g: (get-carbon-g token-id amount),
        purpose: purpose,
        claim: claim,
        retired-at: stacks-block-time,
      })
    )
    (asserts! (> amount u0) NO_AMOUNT)
    (asserts! (>= balance amount) BALANCE)
    (asserts! (and (> (len purpose) u0) (is-eq (len claim) u32)) ERR_CLAIM)
    (try! (ft-burn? certified-wh amount holder))
    (try! (tag token-id holder))
    (set-balance token-id holder (- balance amount))
    (map-set supplies token-id (- (supply-of token-id) amount))
    (var-set totals (merge sums { retired: (+ (get retired sums) amount) }))
    (map-insert retirements retirement entry)
    (var-set retirement-count retirement)
    (print {
      type: "sft_burn",
      token-id: token-id,
      amount: amount,
      sender: holder,
    })
    (print {
      topic: "carbon-credits-retired",
      retirement: retirement,
      entry: entry,
    })
    (ok retirement)
  )
)

;;;; Public: SIP-013

;; The sender is who signed the transaction, or the contract that calls.
(define-public (transfer
    (token-id uint)
    (amount uint)
    (sender principal)
    (recipient principal)
  )
  (begin
    (asserts! (or (is-eq sender tx-sender) (is-eq sender contract-caller)) NOT_SENDER)
    (move token-id amount sender recipient)
  )
)

(define-public (transfer-memo
    (token-id uint)
    (amount uint)
    (sender principal)
    (recipient principal)
    (memo (buff 34))
  )
  (begin
    (try! (transfer token-id amount sender recipient))
    (print memo)
    (ok true)
  )
)

;; All of these transfers, or none.
(define-public (transfer-many (transfers (list 200 {
  token-id: uint,
  amount: uint,
  sender: principal,
  recipient: principal,
})))
  (fold transfer-next transfers (ok true))
)

(define-public (transfer-many-memo (transfers (list 200 {
  token-id: uint,
  amount: uint,
  sender: principal,
  recipient: principal,
  memo: (buff 34),
})))
  (fold transfer-next-memo transfers (ok true))
)

;;;; Private: certificates

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

(define-private (plants-of (who principal))
  (default-to u0 (map-get? producers who))
)

;; The network's window length; there are no leaves before the first epoch.
(define-private (get-window-s)
  (default-to u1 (get window-s (contract-call? .production-oracle get-epoch-keys u1)))
)

(define-private (is-interval
    (since uint)
    (window uint)
  )
  (and
    (< since window)
    (<= (- window since) INTERVAL_S)
    (<= (- window since) (* WINDOWS_MAX (get-window-s)))
  )
)

;; Gives the windows after `since` up to `window` to a certificate, which gives back those
;; before that it had. Refused if another has one of them.
(define-private (cover
    (token-id uint)
    (device uint)
    (since uint)
    (window uint)
  )
  (fold cover-window WINDOWS_BACK
    (ok {
      token-id: token-id,
      device: device,
      since: since,
      window: window,
      window-s: (get-window-s),
    })
  )
)

(define-private (cover-window
    (back uint)
    (covering (response {
      token-id: uint,
      device: uint,
      since: uint,
      window: uint,
      window-s: uint,
    } uint))
  )
  (let (
      (so-far (try! covering))
      (token-id (get token-id so-far))
      (earlier (* back (get window-s so-far)))
      (key {
        device: (get device so-far),
        window: (- (get window so-far) (smaller earlier (get window so-far))),
      })
      (holder (map-get? windows-certified key))
    )
    (if (> (get window key) (get since so-far))
      (begin
        (asserts! (is-eq (default-to token-id holder) token-id) ERR_OVERLAP)
        (map-set windows-certified key token-id)
        covering
      )
      (begin
        (and (is-eq holder (some token-id)) (map-delete windows-certified key))
        covering
      )
    )
  )
)

(define-private (is-energy (wh uint))
  (and (> wh u0) (<= wh ENERGY_MAX))
)

(define-private (certify
    (revision uint)
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
    (plant {
      producer: principal,
      country: (string-ascii 2),
      technology: (string-ascii 32),
      operational-since: uint,
      configuration: uint,
    })
  )
  (let (
      (token-id (+ (var-get certificate-count) u1))
      (device (get usage-point leaf))
      (window (get window leaf))
      (wh (get export-wh leaf))
      (asset (unwrap! (contract-call? .registration get-device device) ERR_NOT_CLEAN))
      (window-s (get-window-s))
      (entry (merge plant {
        device: device,
        window: window,
        revision: revision,
        start: (+ (get since leaf) window-s),
        end: (+ window window-s),
        wh: wh,
        source: (get source asset),
        capacity-w: (get capacity-w asset),
        quality: (get quality leaf),
        assurance: (get assurance leaf),
        carbon-g-per-kwh: (contract-call? .governance get-parameter "grid-carbon-g-per-kwh"),
        issued-at: stacks-block-time,
      }))
    )
    (asserts! (is-energy wh) ERR_ENERGY)
    (asserts! (is-interval (get since leaf) window) ERR_INTERVAL)
    (asserts! (is-some (index-of? SOUND (get quality leaf))) ERR_QUALITY)
    (try! (cover token-id device (get since leaf) window))
    (map-insert certified {
      usage-point: device,
      window: window,
    }
      token-id
    )
    (map-insert certificates token-id entry)
    (var-set certificate-count token-id)
    (let ((issued (try! (count token-id device u0 wh (get producer plant)))))
      (print {
        topic: "carbon-credits-issued",
        token-id: token-id,
        issued: issued,
        owed: (get-owed device),
        entry: entry,
      })
      (ok {
        token-id: token-id,
        issued: issued,
      })
    )
  )
)

;; What is no longer sound, or no longer of an hour, is no longer certified.
(define-private (restate
    (token-id uint)
    (revision uint)
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
    (producer principal)
  )
  (let (
      (before (unwrap! (map-get? certificates token-id) ERR_ISSUED))
      (wh (if (and
          (is-energy (get export-wh leaf))
          (is-interval (get since leaf) (get window leaf))
          (is-some (index-of? SOUND (get quality leaf)))
        )
        (get export-wh leaf)
        u0
      ))
      (entry (merge before {
        revision: revision,
        start: (+ (smaller (get since leaf) (get window leaf)) (get-window-s)),
        wh: wh,
        quality: (get quality leaf),
        assurance: (get assurance leaf),
      }))
    )
    (asserts! (> revision (get revision before)) ERR_ISSUED)
    ;; What is certified no longer gives all its windows back.
    (try! (cover token-id (get device before)
      (if (> wh u0)
        (get since leaf)
        (get window leaf)
      )
      (get window leaf)
    ))
    (map-set certificates token-id entry)
    (let ((issued (try! (count token-id (get device before) (get wh before) wh producer))))
      (print {
        topic: "carbon-credits-restated",
        token-id: token-id,
        issued: issued,
        owed: (get-owed (get device before)),
        entry: entry,
      })
      (ok {
        token-id: token-id,
        issued: issued,
      })
    )
  )
)

;; Counts `after` Wh where `before` were counted: a rise pays what the device owes and issues
;; the rest, a fall is owed. Gives what is issued.
(define-private (count
    (token-id uint)
    (device uint)
    (before uint)
    (after uint)
    (recipient principal)
  )
  (let (
      (sums (var-get totals))
      (debt (get-owed device))
      (rise (if (> after before)
        (- after before)
        u0
      ))
      (fall (if (> before after)
        (- before after)
        u0
      ))
      (paid (smaller debt rise))
      (issued (- rise paid))
    )
    (map-set owed device (- (+ debt fall) paid))
    (var-set totals
      (merge sums {
        issued: (+ (get issued sums) issued),
        counted: (- (+ (get counted sums) after) before),
        owed: (- (+ (get owed sums) fall) paid),
      })
    )
    (and (> issued u0) (try! (mint token-id issued recipient)))
    (ok issued)
  )
)

;;;; Private: units

(define-private (balance-of
    (token-id uint)
    (who principal)
  )
  (default-to u0
    (map-get? balances {
      token-id: token-id,
      owner: who,
    })
  )
)

(define-private (supply-of (token-id uint))
  (default-to u0 (map-get? supplies token-id))
)

(define-private (set-balance
    (token-id uint)
    (who principal)
    (amount uint)
  )
  (map-set balances {
    token-id: token-id,
    owner: who,
  }
    amount
  )
)

;; Burns and mints the id of a holder, so that the change of its balance is an event that a
;; post-condition can name (SIP-013).
(define-private (tag
    (token-id uint)
    (who principal)
  )
  (let ((id {
      token-id: token-id,
      owner: who,
    }))
    (and
      (is-some (nft-get-owner? certificate-id id))
      (try! (nft-burn? certificate-id id who))
    )
    (nft-mint? certificate-id id who)
  )
)

(define-private (mint
    (token-id uint)
    (amount uint)
    (recipient principal)
  )
  (begin
    (try! (ft-mint? certified-wh amount recipient))
    (try! (tag token-id recipient))
    (set-balance token-id recipient (+ (balance-of token-id recipient) amount))
    (map-set supplies token-id (+ (supply-of token-id) amount))
    (print {
      type: "sft_mint",
      token-id: token-id,
      amount: amount,
      recipient: recipient,
    })
    (ok true)
  )
)

(define-private (move
    (token-id uint)
    (amount uint)
    (sender principal)
    (recipient principal)
  )
  (let ((balance (balance-of token-id sender)))
    (asserts! (> amount u0) NO_AMOUNT)
    (asserts! (not (is-eq sender recipient)) SAME_PRINCIPAL)
    (asserts! (>= balance amount) BALANCE)
    (asserts! (not (is-eq recipient current-contract)) ERR_RECIPIENT)
    (try! (ft-transfer? certified-wh amount sender recipient))
    (try! (tag token-id sender))
    (try! (tag token-id recipient))
    (set-balance token-id sender (- balance amount))
    (set-balance token-id recipient (+ (balance-of token-id recipient) amount))
    (print {
      type: "sft_transfer",
      token-id: token-id,
      amount: amount,
      sender: sender,
      recipient: recipient,
    })
    (ok true)
  )
)

(define-private (transfer-next
    (next {
      token-id: uint,
      amount: uint,
      sender: principal,
      recipient: principal,
    })
    (so-far (response bool uint))
  )
  (begin
    (try! so-far)
    (transfer (get token-id next) (get amount next) (get sender next)
      (get recipient next)
    )
  )
)

(define-private (transfer-next-memo
    (next {
      token-id: uint,
      amount: uint,
      sender: principal,
      recipient: principal,
      memo: (buff 34),
    })
    (so-far (response bool uint))
  )
  (begin
    (try! so-far)
    (transfer-memo (get token-id next) (get amount next) (get sender next)
      (get recipient next) (get memo next)
    )
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
