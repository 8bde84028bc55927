;; Title: payment-settlement
;; Decides: what a trade of marketplace pays, from leaves that prove what the seller's asset
;;   fed in during its windows: delivered energy to the seller, or to the members of a VPP
;;   who fed it in; the rest back to the buyer, with a penalty out of the seller's bond; a
;;   fee to the treasury.
;; Immutable: a leaf's energy is shared out once among all trades, and no time of an asset
;;   is paid by two leaves; a trade is settled once,
;;   trued up by restated windows until it is final, and claimed once by each party.
;; Who may call: anyone proves, settles and trues up, for the proof is the authority; the
;;   parties waive and claim; governors send fees to the treasury and reach nothing else.
;;   The pause does not reach here: who is owed money gets it.
;; When: a trade is settled when all is delivered, when every window is shown, or two days
;;   after its end with what was shown. It is final at its deadline, longer after its end
;;   than windows are disputed, or as soon as buyer and seller both waive a true-up.
;; Rounding: for value v, bond b, energy e, delivered d: gross = v * d / e down, the rest of v
;;   to the buyer; penalty = b * (e - d) / e up; fee up; a member's share down, the dust to
;;   the treasury with the last claim. All from totals, so true-ups add no rounding.
;; Conservation: what a trade brought = what its parties and the treasury get.

;;;; Constants

(define-constant VPP u2)
(define-constant STX u1)

;; What get-payment-status says: the money is in marketplace's escrow; some was proven; it
;; is settled and can be trued up; it can be claimed; nothing is left to claim.
(define-constant ESCROWED u1)
(define-constant DELIVERING u2)
(define-constant SETTLED u3)
(define-constant CLAIMABLE u4)
(define-constant PAID u5)

;; How long after its end a trade that is not shown whole waits for proofs, in seconds.
(define-constant PROOF_S u172800)
(define-constant BPS u10000)
;; A meter that was silent tells of several windows in one leaf: of two hours of quarters at
;; most, one step for each.
(define-constant STEPS (list u0 u1 u2 u3 u4 u5 u6 u7))
(define-constant SPAN_MAX u8)

;; No trade has this id: no payment without an accepted offer.
(define-constant ERR_UNKNOWN_TRADE (err u820))
;; The trade is settled; what is restated now is a true-up.
(define-constant ERR_SETTLED (err u821))
;; The trade is not settled.
(define-constant ERR_NOT_SETTLED (err u822))
;; The leaf is of a window that the trade does not deliver in.
(define-constant ERR_OTHER_WINDOW (err u823))
;; The leaf is of an asset that the trade does not deliver from.
(define-constant ERR_OTHER_ASSET (err u824))
;; The leaf follows a gap: it tells energy from before the delivery too, or of too long.
(define-constant ERR_GAP (err u825))
;; This leaf, or a newer revision of it, is counted already.
(define-constant ERR_COUNTED (err u826))
;; Windows are missing, and there is time to prove them.
(define-constant ERR_NOT_DUE (err u827))
;; The trade is final.
(define-constant ERR_FINAL (err u828))
;; The trade can still be trued up.
(define-constant ERR_NOT_FINAL (err u829))
;; The caller is no party of the trade.
(define-constant ERR_NOT_PARTY (err u830))
;; The caller has claimed, or waived, already.
(define-constant ERR_CLAIMED (err u831))
;; The money could not be moved; what is held covers every claim, so nothing causes it.
(define-constant ERR_TRANSFER (err u832))
;; Only a governor sends fees to the treasury.
(define-constant ERR_NOT_GOVERNOR (err u833))
;; An amount is above 0 and at most the fees that there are.
(define-constant ERR_AMOUNT (err u834))
;; The window was not attested as void.
(define-constant ERR_NOT_VOID (err u835))
;; There is nothing in the list.
(define-constant ERR_EMPTY (err u836))
;; Another leaf of the asset tells some of this time's energy, and is counted.
(define-constant ERR_TIME_COUNTED (err u837))

;;;; Data

;; Invariants: `delivered-wh` is the sum of `counted` of the trade and at most its energy;
;; `shown` is the number of its counted leaves, `excused` that of its excused windows;
;; `claimed-wh` and `claimed` are the sums over the members that have claimed.
(define-map settlements
  uint
  {
    delivered-wh: uint,
    shown: uint,
    excused: uint,
    settled: bool,
    settled-at: uint,
    seller-waives: bool,
    buyer-waives: bool,
    booked: bool,
    claimed-wh: uint,
    claimed: uint,
    outstanding: uint,
  }
)

;; What a leaf gave to a trade; its newer revision replaces it.
(define-map counted
  {
    trade: uint,
    asset: uint,
    window: uint,
  }
  {
    revision: uint,
    energy-wh: uint,
    span: uint,
    payee: principal,
  }
)

;; Invariant: the window of the one counted leaf that tells the asset's energy in a window.
;; Late data (A8) adds a leaf in the midst of a gap that a later leaf has told of already.
(define-map told-by
  {
    asset: uint,
    window: uint,
  }
  uint
)

;; Invariant: the sum of `counted` of an asset's window over all trades. When one is counted
;; it is not above what the leaf proves.
(define-map allotted
  {
    asset: uint,
    window: uint,
  }
  uint
)

;; Invariant: the sum of `counted` of a trade by payee.
(define-map shares
  {
    trade: uint,
    who: principal,
  }
  uint
)

;; Windows of a trade that the oracle could not attest: nobody is at fault.
(define-map excused-windows
  {
    trade: uint,
    window: uint,
  }
  bool
)

;; Insert-only: what a party was paid.
(define-map claims
  {
    trade: uint,
    who: principal,
  }
  uint
)

;; Fees by currency that the treasury has not had yet, and all there ever were.
(define-map fees
  uint
  {
    held: uint,
    total: uint,
  }
)

;; Invariant: all that came in less all that went out; the contract has that much.
(define-data-var escrow {
  stx: uint,
  energy: uint,
} {
  stx: u0,
  energy: u0,
})

;;;; Read-only

(define-read-only (get-settlement (trade uint))
  (map-get? settlements trade)
)

(define-read-only (get-share
    (trade uint)
    (who principal)
  )
  (default-to u0
    (map-get? shares {
      trade: trade,
      who: who,
    })
  )
)

;; What of an asset's energy in a window is given to trades already, in Wh.
(define-read-only (get-allotted
    (asset uint)
    (window uint)
  )
  (default-to u0
    (map-get? allotted {
      asset: asset,
      window: window,
    })
  )
)

(define-read-only (get-claim
    (trade uint)
    (who principal)
  )
  (map-get? claims {
    trade: trade,
    who: who,
  })
)

(define-read-only (get-fees (currency uint))
  (default-to {
    held: u0,
    total: u0,
  }
    (map-get? fees currency)
  )
)

;; What is held here for parties and treasury.
(define-read-only (get-escrow)
  (var-get escrow)
)

;; Where a trade's payment stands; none if there is no such trade.
(define-read-only (get-payment-status (trade uint))
  (match (contract-call? .marketplace get-trade trade)
    terms (let ((state (state-of trade)))
      (some (if (get settled state)
        (if (is-final terms state)
          (if (and (get booked state) (is-eq (get outstanding state) u0))
            PAID
            CLAIMABLE
          )
          SETTLED
        )
        (if (is-eq (+ (get shown state) (get excused state)) u0)
          ESCROWED
          DELIVERING
        )
      ))
    )
    none
  )
)

;; Who gets what of a trade, by what is proven so far.
(define-read-only (get-split (trade uint))
  (match (contract-call? .marketplace get-trade trade)
    terms (some (split terms (state-of trade)))
    none
  )
)

;; What `who` can claim of a trade once it is final, claimed or not.
(define-read-only (get-due
    (trade uint)
    (who principal)
  )
  (match (contract-call? .marketplace get-trade trade)
    terms (let (
        (state (state-of trade))
        (parts (split terms state))
      )
      (+
        (if (is-eq who (get buyer terms))
          (+ (get refund parts) (get penalty parts))
          u0
        )
        (if (is-eq who (get seller terms))
          (get bond-back parts)
          u0
        )
        (share-of (get net parts) (get-share trade who) (get delivered-wh state))
      )
    )
    u0
  )
)

;;;; Public: settlement

;; Counts proven leaves for a trade, and settles it if nothing is missing or its time is
;; over, for which the list may be empty.
(define-public (settle-trade
    (trade uint)
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
    (asserts! (not (get settled (state-of trade))) ERR_SETTLED)
    (try! (fold count-leaf proven (ok trade)))
    (let ((settled (try! (conclude trade))))
      (asserts! (or settled (> (len proven) u0)) ERR_NOT_DUE)
      (ok {
        delivered-wh: (get delivered-wh (state-of trade)),
        settled: settled,
      })
    )
  )
)

;; The same for leaves of several trades in one call; all or none. Gives how many of the
;; leaves completed their trade.
(define-public (settle-batch (proven (list 24 {
  trade: uint,
  proof: {
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
  },
})))
  (begin
    (asserts! (> (len proven) u0) ERR_EMPTY)
    (fold settle-one proven (ok u0))
  )
)

;; Corrects a settled trade that is not final by leaves of restated windows, or by leaves
;; that nobody had shown.
(define-public (true-up
    (trade uint)
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
  (let (
      (terms (unwrap! (contract-call? .marketplace get-trade trade) ERR_UNKNOWN_TRADE))
      (before (state-of trade))
    )
    (asserts! (get settled before) ERR_NOT_SETTLED)
    (asserts! (not (is-final terms before)) ERR_FINAL)
    (asserts! (> (len proven) u0) ERR_EMPTY)
    (try! (fold count-leaf proven (ok trade)))
    (let ((delivered-wh (get delivered-wh (state-of trade))))
      (try! (contract-call? .marketplace restate-trade trade (get delivered-wh before)
        delivered-wh
      ))
      (print {
        topic: "trade-trued-up",
        trade: trade,
        before-wh: (get delivered-wh before),
        delivered-wh: delivered-wh,
        split: (split terms (state-of trade)),
      })
      (ok delivered-wh)
    )
  )
)

;; Takes a window out of the penalty that the oracle has attested as void: what nobody can
;; prove is nobody's fault. The buyer still pays for delivered energy only.
(define-public (excuse-void
    (trade uint)
    (window uint)
  )
  (let (
      (terms (unwrap! (contract-call? .marketplace get-trade trade) ERR_UNKNOWN_TRADE))
      (state (state-of trade))
    )
    (asserts! (not (and (get settled state) (is-final terms state))) ERR_FINAL)
    (asserts! (is-delivery terms window) ERR_OTHER_WINDOW)
    (asserts! (is-void window) ERR_NOT_VOID)
    (asserts!
      (not (or
        (is-excused trade window)
        (is-some (map-get? counted {
          trade: trade,
          asset: (get asset terms),
          window: window,
        }))
      ))
      ERR_COUNTED
    )
    (map-set excused-windows {
      trade: trade,
      window: window,
    }
      true
    )
    (map-set settlements trade (merge state { excused: (+ (get excused state) u1) }))
    (print {
      topic: "window-excused",
      trade: trade,
      window: window,
    })
    (ok true)
  )
)

;; Says that the caller wants no true-up. When buyer and seller both do, the settled trade
;; is final.
(define-public (waive-true-up (trade uint))
  (let (
      (terms (unwrap! (contract-call? .marketplace get-trade trade) ERR_UNKNOWN_TRADE))
      (state (state-of trade))
      (by-seller (is-eq contract-caller (get seller terms)))
    )
    (asserts! (get settled state) ERR_NOT_SETTLED)
    (asserts! (or by-seller (is-eq contract-caller (get buyer terms))) ERR_NOT_PARTY)
    (asserts!
      (not (if by-seller
        (get seller-waives state)
        (get buyer-waives state)
      ))
      ERR_CLAIMED
    )
    (map-set settlements trade
      (if by-seller
        (merge state { seller-waives: true })
        (merge state { buyer-waives: true })
      ))
    (print {
      topic: "true-up-waived",
      trade: trade,
      by: contract-caller,
    })
    (ok (is-final terms (state-of trade)))
  )
)

;;;; Public: payment

;; Pays the caller all that a final trade owes it: as buyer, as seller, as a VPP's member.
(define-public (claim (trade uint))
  (let (
      (terms (unwrap! (contract-call? .marketplace get-trade trade) ERR_UNKNOWN_TRADE))
      (state (state-of trade))
      (parts (split terms state))
      (currency (get currency terms))
      (share-wh (get-share trade contract-caller))
      (share (share-of (get net parts) share-wh (get delivered-wh state)))
      (due (get-due trade contract-caller))
      (claimed-wh (+ (get claimed-wh state) share-wh))
      (claimed (+ (get claimed state) share))
      ;; With the last member's claim the treasury takes what rounding has left.
      (dust (if (and (> share-wh u0) (is-eq claimed-wh (get delivered-wh state)))
        (- (get net parts) claimed)
        u0
      ))
      (fee (if (get booked state)
        u0
        (get fee parts)
      ))
    )
    (asserts! (get settled state) ERR_NOT_SETTLED)
    (asserts! (is-final terms state) ERR_NOT_FINAL)
    (asserts!
      (or
        (is-eq contract-caller (get buyer terms))
        (is-eq contract-caller (get seller terms))
        (> share-wh u0)
      )
      ERR_NOT_PARTY
    )
    (asserts!
      (map-insert claims {
        trade: trade,
        who: contract-caller,
      }
        due
      )
      ERR_CLAIMED
    )
    (map-set settlements trade
      (merge state {
        booked: true,
        claimed-wh: claimed-wh,
        claimed: claimed,
        outstanding: (- (get outstanding state) due dust fee),
      })
    )
    (book currency (+ dust fee))
    (try! (pay currency due contract-caller))
    (print {
      topic: "payment-claimed",
      trade: trade,
      who: contract-caller,
      currency: currency,
      amount: due,
      fee: (+ dust fee),
    })
    (ok due)
  )
)

;; Sends fees to the treasury.
(define-public (withdraw-fees
    (currency uint)
    (amount uint)
    (treasury principal)
  )
  (let ((sums (get-fees currency)))
    (asserts! (contract-call? .roles is-governor contract-caller) ERR_NOT_GOVERNOR)
    (asserts! (and (> amount u0) (<= amount (get held sums))) ERR_AMOUNT)
    (map-set fees currency (merge sums { held: (- (get held sums) amount) }))
    (try! (pay currency amount treasury))
    (print {
      topic: "fees-withdrawn",
      currency: currency,
      amount: amount,
      treasury: treasury,
      by: contract-caller,
    })
    (ok (- (get held sums) amount))
  )
)

;;;; Private: settlement

(define-private (state-of (trade uint))
  (default-to {
    delivered-wh: u0,
    shown: u0,
    excused: u0,
    settled: false,
    settled-at: u0,
    seller-waives: false,
    buyer-waives: false,
    booked: false,
    claimed-wh: u0,
    claimed: u0,
    outstanding: u0,
  }
    (map-get? settlements trade)
  )
)

(define-private (settle-one
    (part {
      trade: uint,
      proof: {
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
      },
    })
    (sum (response uint uint))
  )
  (let (
      (so-far (try! sum))
      (trade (get trade part))
    )
    (asserts! (not (get settled (state-of trade))) ERR_SETTLED)
    (try! (count-leaf (get proof part) (ok trade)))
    (ok (if (try! (conclude trade))
      (+ so-far u1)
      so-far
    ))
  )
)

;; Gives a trade what it still needs of a leaf's energy and what other trades have left of
;; it. The same formula serves a leaf, its restatement, and one that was never shown.
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
    (target (response uint uint))
  )
  (let (
      (trade (try! target))
      (terms (unwrap! (contract-call? .marketplace get-trade trade) ERR_UNKNOWN_TRADE))
      (proven (try! (contract-call? .verification-engine verify-leaf (get revision proof)
        (get zone proof) (get leaf proof) (get index proof) (get siblings proof)
      )))
      (asset (get usage-point proven))
      (window (get window proven))
      (by-vpp (is-eq (get asset-kind terms) VPP))
      (payee (if by-vpp
        (get producer proven)
        (get seller terms)
      ))
      (key {
        trade: trade,
        asset: asset,
        window: window,
      })
      (before (map-get? counted key))
      (old (default-to {
        revision: u0,
        energy-wh: u0,
        span: u0,
        payee: payee,
      }
        before
      ))
      (since (get since (get leaf proof)))
      (span (if (> since window)
        u0
        (up (- window since) (window-s))
      ))
      (state (state-of trade))
      (others-wh (- (get-allotted asset window) (get energy-wh old)))
      (needed-wh (- (get energy-wh terms) (- (get delivered-wh state) (get energy-wh old))))
      (energy-wh (smaller needed-wh
        (if (> (get export-wh proven) others-wh)
          (- (get export-wh proven) others-wh)
          u0
        )))
      (was-excused (is-excused trade window))
    )
    (asserts! (is-delivery terms window) ERR_OTHER_WINDOW)
    (asserts!
      (if by-vpp
        (contract-call? .aggregation is-member-at (get asset terms) asset window)
        (is-eq asset (get asset terms))
      )
      ERR_OTHER_ASSET
    )
    (asserts!
      (and (>= (+ since (window-s)) (get first-window terms)) (<= span SPAN_MAX))
      ERR_GAP
    )
    (asserts! (or (is-none before) (> (get revision proof) (get revision old)))
      ERR_COUNTED
    )
    ;; Time that the newer leaf does not tell is free again, unless another trade was given
    ;; energy of it.
    (and
      (is-eq others-wh u0)
      (get done
        (fold free-time STEPS {
          asset: asset,
          window: window,
          from: span,
          to: (get span old),
          done: true,
        })
      )
    )
    (asserts!
      (get done
        (fold take-time STEPS {
          asset: asset,
          window: window,
          from: u0,
          to: span,
          done: true,
        })
      )
      ERR_TIME_COUNTED
    )
    (map-set counted key {
      revision: (get revision proof),
      energy-wh: energy-wh,
      span: span,
      payee: payee,
    })
    (map-set allotted {
      asset: asset,
      window: window,
    }
      (+ others-wh energy-wh)
    )
    (add-share trade (get payee old) u0 (get energy-wh old))
    (add-share trade payee energy-wh u0)
    (and was-excused (map-delete excused-windows {
      trade: trade,
      window: window,
    }))
    (map-set settlements trade
      (merge state {
        delivered-wh: (+ (- (get delivered-wh state) (get energy-wh old)) energy-wh),
        shown: (+ (get shown state) (one-if (is-none before))),
        excused: (- (get excused state) (one-if was-excused)),
      })
    )
    (print {
      topic: "delivery-counted",
      trade: trade,
      asset: asset,
      window: window,
      revision: (get revision proof),
      energy-wh: energy-wh,
      payee: payee,
    })
    (ok trade)
  )
)

;; Writes down that a leaf tells a window's energy; not done if another one does.
(define-private (take-time
    (step uint)
    (state {
      asset: uint,
      window: uint,
      from: uint,
      to: uint,
      done: bool,
    })
  )
  (if (>= step (get to state))
    state
    (let (
        (window (get window state))
        (key {
          asset: (get asset state),
          window: (- window (* step (window-s))),
        })
      )
      (merge state { done: (and
        (is-eq window (default-to window (map-get? told-by key)))
        (get done state)
        (map-set told-by key window)
      ) })
    )
  )
)

(define-private (free-time
    (step uint)
    (state {
      asset: uint,
      window: uint,
      from: uint,
      to: uint,
      done: bool,
    })
  )
  (if (or (< step (get from state)) (>= step (get to state)))
    state
    (let ((key {
        asset: (get asset state),
        window: (- (get window state) (* step (window-s))),
      }))
      (and (is-eq (some (get window state)) (map-get? told-by key)) (map-delete told-by key))
      state
    )
  )
)

(define-private (add-share
    (trade uint)
    (who principal)
    (more-wh uint)
    (less-wh uint)
  )
  (map-set shares {
    trade: trade,
    who: who,
  }
    (- (+ (get-share trade who) more-wh) less-wh)
  )
)

;; Settles a trade if it is due: the money comes here from marketplace.
(define-private (conclude (trade uint))
  (let (
      (terms (unwrap! (contract-call? .marketplace get-trade trade) ERR_UNKNOWN_TRADE))
      (state (state-of trade))
      (money (+ (get value terms) (get bond terms)))
      (due (or
        (is-eq (get delivered-wh state) (get energy-wh terms))
        (and
          (not (is-eq (get asset-kind terms) VPP))
          (>= (+ (get shown state) (get excused state)) (get windows terms))
        )
        (>= stacks-block-time (+ (end-of terms) PROOF_S))
      ))
    )
    (if (or (not due) (get settled state))
      (ok false)
      (begin
        (try! (contract-call? .marketplace release-trade trade (get delivered-wh state)))
        (receive (get currency terms) money)
        (map-set settlements trade
          (merge state {
            settled: true,
            settled-at: stacks-block-time,
            outstanding: money,
          })
        )
        (print {
          topic: "trade-settled",
          trade: trade,
          delivered-wh: (get delivered-wh state),
          energy-wh: (get energy-wh terms),
          split: (split terms state),
        })
        (ok true)
      )
    )
  )
)

;; How a trade's money is divided: gross + refund = value, penalty + bond-back = bond,
;; fee + net = gross. Excused windows bear no part of the penalty.
(define-private (split
    (terms {
      seller: principal,
      buyer: principal,
      offer: uint,
      auction: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      price-per-kwh: uint,
      value: uint,
      bond: uint,
      fee-bps: uint,
      first-window: uint,
      windows: uint,
      final-at: uint,
      released: bool,
    })
    (state {
      delivered-wh: uint,
      shown: uint,
      excused: uint,
      settled: bool,
      settled-at: uint,
      seller-waives: bool,
      buyer-waives: bool,
      booked: bool,
      claimed-wh: uint,
      claimed: uint,
      outstanding: uint,
    })
  )
  (let (
      (energy-wh (get energy-wh terms))
      (delivered-wh (get delivered-wh state))
      (windows (get windows terms))
      (gross (/ (* (get value terms) delivered-wh) energy-wh))
      (penalty (up
        (* (get bond terms) (- energy-wh delivered-wh)
          (- windows (smaller windows (get excused state)))
        )
        (* energy-wh windows)
      ))
      (fee (up (* gross (get fee-bps terms)) BPS))
    )
    {
      gross: gross,
      refund: (- (get value terms) gross),
      penalty: penalty,
      bond-back: (- (get bond terms) penalty),
      fee: fee,
      net: (- gross fee),
    }
  )
)

(define-private (is-final
    (terms {
      seller: principal,
      buyer: principal,
      offer: uint,
      auction: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      price-per-kwh: uint,
      value: uint,
      bond: uint,
      fee-bps: uint,
      first-window: uint,
      windows: uint,
      final-at: uint,
      released: bool,
    })
    (state {
      delivered-wh: uint,
      shown: uint,
      excused: uint,
      settled: bool,
      settled-at: uint,
      seller-waives: bool,
      buyer-waives: bool,
      booked: bool,
      claimed-wh: uint,
      claimed: uint,
      outstanding: uint,
    })
  )
  (or
    (>= stacks-block-time (get final-at terms))
    (and (get seller-waives state) (get buyer-waives state))
  )
)

(define-private (end-of (terms {
  seller: principal,
  buyer: principal,
  offer: uint,
  auction: uint,
  asset-kind: uint,
  asset: uint,
  currency: uint,
  energy-wh: uint,
  price-per-kwh: uint,
  value: uint,
  bond: uint,
  fee-bps: uint,
  first-window: uint,
  windows: uint,
  final-at: uint,
  released: bool,
}))
  (+ (get first-window terms) (* (get windows terms) (window-s)))
)

(define-private (is-delivery
    (terms {
      seller: principal,
      buyer: principal,
      offer: uint,
      auction: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      price-per-kwh: uint,
      value: uint,
      bond: uint,
      fee-bps: uint,
      first-window: uint,
      windows: uint,
      final-at: uint,
      released: bool,
    })
    (window uint)
  )
  (and (>= window (get first-window terms)) (< window (end-of terms)))
)

(define-private (is-excused
    (trade uint)
    (window uint)
  )
  (default-to false
    (map-get? excused-windows {
      trade: trade,
      window: window,
    })
  )
)

;; True if the newest that is attested of a window is that it is void.
(define-private (is-void (window uint))
  (match (contract-call? .production-oracle get-latest-revision window)
    revision (match (contract-call? .production-oracle get-attestation window revision)
      attested (is-some (get void attested))
      false
    )
    false
  )
)

;;;; Private: money

(define-private (share-of
    (net uint)
    (share-wh uint)
    (delivered-wh uint)
  )
  (if (is-eq delivered-wh u0)
    u0
    (/ (* net share-wh) delivered-wh)
  )
)

(define-private (book
    (currency uint)
    (amount uint)
  )
  (let ((sums (get-fees currency)))
    (map-set fees currency {
      held: (+ (get held sums) amount),
      total: (+ (get total sums) amount),
    })
  )
)

;; Writes down what marketplace has just sent.
(define-private (receive
    (currency uint)
    (amount uint)
  )
  (var-set escrow
    (if (is-eq currency STX)
      (merge (var-get escrow) { stx: (+ (get stx (var-get escrow)) amount) })
      (merge (var-get escrow) { energy: (+ (get energy (var-get escrow)) amount) })
    ))
)

;; Pays out of escrow, exactly this and nothing else.
(define-private (pay
    (currency uint)
    (amount uint)
    (who principal)
  )
  (if (is-eq amount u0)
    (ok true)
    (begin
      (var-set escrow
        (if (is-eq currency STX)
          (merge (var-get escrow) { stx: (- (get stx (var-get escrow)) amount) })
          (merge (var-get escrow) { energy: (- (get energy (var-get escrow)) amount) })
        ))
      (if (is-eq currency STX)
        (unwrap!
          (as-contract? ((with-stx amount))
            (unwrap! (stx-transfer? amount current-contract who) ERR_TRANSFER)
          )
          ERR_TRANSFER
        )
        (unwrap!
          (as-contract? ((with-ft .energy-token "energy" amount))
            (unwrap!
              (contract-call? .energy-token transfer amount current-contract who none)
              ERR_TRANSFER
            )
          )
          ERR_TRANSFER
        )
      )
      (ok true)
    )
  )
)

;;;; Private: numbers

(define-private (window-s)
  (contract-call? .oracle-staking get-window-length)
)

(define-private (one-if (yes bool))
  (if yes
    u1
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

(define-private (up
    (amount uint)
    (by uint)
  )
  (/ (+ amount (- by u1)) by)
)
