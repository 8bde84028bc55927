;; Title: marketplace
;; Decides: who sells what energy to whom, at what price, and keeps the money of both until
;;   payment-settlement has seen what was delivered. Energy is sold ahead of its windows
;;   (kind 1: the next one, later ones, or a row of deliveries) or as ENERGY that was minted
;;   for it already (kind 2), which changes hands at once.
;; Immutable: a trade's terms, fee and deadline, from the moment its money is in escrow;
;;   what governance changes binds later trades. Escrow leaves towards its payer, or as a
;;   whole to payment-settlement; no role reaches it.
;; Who may call: the owner of a connected asset and the operator of a VPP sell; anyone else
;;   buys, bids, pledges; anyone clears, matches, closes a group and sends an expired offer
;;   back; only payment-settlement releases. A pause stops new offers, trades, bids, pledges
;;   and deposits; every way back to one's own money goes on.
;; Conservation: STX and ENERGY held here = bonds and energy of offers and auctions + open
;;   trades (value and bond) + bids + pledges + credits.
;; Rounding: what a buyer pays and what a seller bonds is rounded up; a part of a bond is a
;;   part of what is left of it, so the last part takes the rest and nothing piles up.

;;;; Constants

(define-constant SETTLEMENT .payment-settlement)

;; Kinds of offer.
(define-constant DELIVERY u1)
(define-constant CREDITS u2)
;; What is sold from.
(define-constant DEVICE u1)
(define-constant VPP u2)
;; What is paid with: microSTX, or units of ENERGY.
(define-constant STX u1)
(define-constant ENERGY u2)

;; Statuses of an offer.
(define-constant PENDING u0)
(define-constant ACCEPTED u1)
(define-constant REJECTED u2)
(define-constant COMPLETED u3)
(define-constant CANCELLED u4)
(define-constant EXPIRED u5)

(define-constant BPS u10000)
(define-constant WH_PER_KWH u1000)
(define-constant HOUR_S u3600)
;; A delivery lasts at most a day of quarters of an hour, a row of them at most a year of
;; months, and begins at most 400 days ahead.
(define-constant WINDOWS_MAX u96)
(define-constant DELIVERIES (list u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11))
(define-constant DELIVERIES_MAX u12)
(define-constant EVERY_MAX_S u2678400)
(define-constant HORIZON_S u34560000)
;; What others match for a buyer begins within a week: nobody ties up a stranger's money for
;; longer than the buyer would.
(define-constant MATCH_AHEAD_S u604800)
;; 1 PWh, and a million STX for a kWh: products of these stay far from the last uint.
(define-constant ENERGY_MAX_WH u1000000000000000)
(define-constant PRICE_MAX u1000000000000)
(define-constant SOURCE_MAX u8)
(define-constant BIDS_MAX u20)

;; Nothing is begun during a pause.
(define-constant ERR_PAUSED (err u760))
;; No device or VPP has this id.
(define-constant ERR_UNKNOWN_ASSET (err u761))
;; The caller neither owns the asset nor operates the VPP, or the seller does so no more.
(define-constant ERR_NOT_SELLER (err u762))
;; The asset is not connected and verified, or its zone is in an emergency.
(define-constant ERR_NOT_CONNECTED (err u763))
;; No such kind of offer, of asset, or of energy.
(define-constant ERR_KIND (err u764))
;; No such currency, or ENERGY sold for ENERGY.
(define-constant ERR_CURRENCY (err u765))
;; More energy than there is, less than the least part, or none.
(define-constant ERR_ENERGY (err u766))
;; A price is above 0 and at most a million STX for a kWh.
(define-constant ERR_PRICE (err u767))
;; The windows are not ahead, not whole, too many, or overlap.
(define-constant ERR_DELIVERY (err u768))
;; The asset cannot feed in that much in these windows.
(define-constant ERR_CAPACITY (err u769))
;; No offer has this id.
(define-constant ERR_UNKNOWN_OFFER (err u770))
;; The offer is not open any more.
(define-constant ERR_NOT_PENDING (err u771))
;; Nobody trades with oneself.
(define-constant ERR_SELF_TRADE (err u772))
;; The offer is to somebody else, or to nobody in particular.
(define-constant ERR_NOT_BUYER (err u773))
;; The money could not be moved.
(define-constant ERR_TRANSFER (err u774))
;; The buyer's own preferences rule this out.
(define-constant ERR_PREFERENCE (err u775))
;; No auction has this id.
(define-constant ERR_UNKNOWN_AUCTION (err u776))
;; The auction takes no more bids, or is cleared.
(define-constant ERR_AUCTION_CLOSED (err u777))
;; The auction still takes bids.
(define-constant ERR_AUCTION_OPEN (err u778))
;; The price is below the reserve, or not above the lowest bid of a full list.
(define-constant ERR_LOW_BID (err u779))
;; No trade has this id.
(define-constant ERR_UNKNOWN_TRADE (err u780))
;; The caller is not payment-settlement.
(define-constant ERR_NOT_SETTLEMENT (err u781))
;; The trade was released already, or not yet; payment-settlement, who alone calls, knows.
(define-constant ERR_RELEASED (err u782))
;; No group has this id.
(define-constant ERR_UNKNOWN_GROUP (err u783))
;; The group has bought, or its deadline is over or beyond the offer's.
(define-constant ERR_GROUP_CLOSED (err u784))
;; The caller is in the group already.
(define-constant ERR_PLEDGED (err u785))
;; The caller has pledged nothing here.
(define-constant ERR_NO_PLEDGE (err u786))
;; The group is full.
(define-constant ERR_GROUP_FULL (err u787))
;; The group does not take the offer's least part yet.
(define-constant ERR_GROUP_SMALL (err u788))
;; An amount is above 0 and at most what there is.
(define-constant ERR_AMOUNT (err u789))
;; The buyer has not asked to be matched in this currency.
(define-constant ERR_NOT_AUTOMATIC (err u790))

;;;; Data

(define-data-var offer-count uint u0)

;; Invariants: `remaining-wh` and `bond` are of each delivery and not yet sold; escrow holds
;; `bond` for each of `deliveries`, or for kind 2 `remaining-wh` of ENERGY. Both are 0 once
;; the status is not PENDING. `open-trades` counts trades of it that were not released.
(define-map offers
  uint
  {
    seller: principal,
    buyer: (optional principal),
    kind: uint,
    asset-kind: uint,
    asset: uint,
    currency: uint,
    energy-wh: uint,
    remaining-wh: uint,
    min-wh: uint,
    price-per-kwh: uint,
    first-window: uint,
    windows: uint,
    deliveries: uint,
    every-s: uint,
    expires-at: uint,
    bond: uint,
    open-trades: uint,
    status: uint,
  }
)

(define-data-var auction-count uint u0)

;; Invariants: `bids` is sorted, dearest first and of equal ones the earliest first; escrow
;; holds the value of each at its own price, and `bond`, until it is cleared.
(define-map auctions
  uint
  {
    seller: principal,
    asset-kind: uint,
    asset: uint,
    currency: uint,
    energy-wh: uint,
    reserve-per-kwh: uint,
    first-window: uint,
    windows: uint,
    closes-at: uint,
    bond: uint,
    bids: (list 20 {
      bidder: principal,
      energy-wh: uint,
      price-per-kwh: uint,
    }),
    cleared: bool,
    clearing-price: uint,
    sold-wh: uint,
  }
)

(define-data-var trade-count uint u0)

;; Insert-only but for `released`, which is set once. Until then escrow holds `value` and
;; `bond`. Either `offer` or `auction` is 0.
(define-map trades
  uint
  {
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
  }
)

(define-data-var group-count uint u0)

;; Invariant: `energy-wh` is the sum of the pledges of `members`, some of whom may have left.
(define-map groups
  uint
  {
    offer: uint,
    organiser: principal,
    members: (list 10 principal),
    energy-wh: uint,
    deadline: uint,
    closed: bool,
  }
)

;; What a member pledged to buy and has paid for all deliveries of it.
(define-map pledges
  {
    group: uint,
    who: principal,
  }
  {
    energy-wh: uint,
    paid: uint,
  }
)

;; Money of `who` that is free: deposited, or come back from bids.
(define-map credits
  {
    who: principal,
    currency: uint,
  }
  uint
)

;; Invariant: all that came in less all that went out; the contract has that much.
(define-data-var escrow {
  stx: uint,
  energy: uint,
} {
  stx: u0,
  energy: u0,
})

(define-map preferences
  {
    who: principal,
    currency: uint,
  }
  {
    max-price-per-kwh: uint,
    source: uint,
    min-score-bps: uint,
    automatic: bool,
  }
)

;; Invariant: the sums over the seller's released trades.
(define-map reputations
  principal
  {
    trades: uint,
    promised-wh: uint,
    delivered-wh: uint,
  }
)

;; The sums over all trades in a currency, and the price of the last.
(define-map markets
  uint
  {
    last-price-per-kwh: uint,
    energy-wh: uint,
    value: uint,
  }
)

;;;; Read-only

;; An offer; one whose time is over reads as expired before anybody has sent it back.
(define-read-only (get-energy-offer (offer uint))
  (match (map-get? offers offer)
    found (some (merge found { status: (status-of found) }))
    none
  )
)

(define-read-only (get-offer-count)
  (var-get offer-count)
)

(define-read-only (get-auction (auction uint))
  (map-get? auctions auction)
)

(define-read-only (get-auction-count)
  (var-get auction-count)
)

(define-read-only (get-trade (trade uint))
  (map-get? trades trade)
)

(define-read-only (get-trade-count)
  (var-get trade-count)
)

(define-read-only (get-group (group uint))
  (map-get? groups group)
)

(define-read-only (get-pledge
    (group uint)
    (who principal)
  )
  (map-get? pledges {
    group: group,
    who: who,
  })
)

(define-read-only (get-credit
    (who principal)
    (currency uint)
  )
  (default-to u0
    (map-get? credits {
      who: who,
      currency: currency,
    })
  )
)

;; The ENERGY of `who`: in the wallet, free in here, and both.
(define-read-only (get-energy-balance (who principal))
  (let (
      (wallet (unwrap-panic (contract-call? .energy-token get-balance who)))
      (credited (get-credit who ENERGY))
    )
    {
      wallet: wallet,
      credited: credited,
      total: (+ wallet credited),
    }
  )
)

;; What is held here for others.
(define-read-only (get-escrow)
  (var-get escrow)
)

(define-read-only (get-preferences
    (who principal)
    (currency uint)
  )
  (map-get? preferences {
    who: who,
    currency: currency,
  })
)

;; How much of what a seller promised was delivered; 10000 for one who has failed nobody.
(define-read-only (get-reputation (who principal))
  (let ((sums (default-to {
      trades: u0,
      promised-wh: u0,
      delivered-wh: u0,
    }
      (map-get? reputations who)
    )))
    (merge sums { score-bps: (if (is-eq (get promised-wh sums) u0)
      BPS
      (/ (* BPS (get delivered-wh sums)) (get promised-wh sums))
    ) })
  )
)

;; What energy goes for: the last price, and the mean over all trades.
(define-read-only (get-market-price (currency uint))
  (match (map-get? markets currency)
    sums (some (merge sums { mean-per-kwh: (/ (* WH_PER_KWH (get value sums)) (get energy-wh sums)) }))
    none
  )
)

;; What a buyer pays for this energy.
(define-read-only (value-of
    (energy-wh uint)
    (price-per-kwh uint)
  )
  (up (* energy-wh price-per-kwh) WH_PER_KWH)
)

;; What a seller puts up for a delivery of this value.
(define-read-only (bond-of (value uint))
  (up (* value (contract-call? .governance get-parameter "deviation-penalty-bps"))
    BPS
  )
)

;;;; Public: offers

;; Offers energy of a connected asset or VPP, to `buyer` or to all. `energy-wh` is that of
;; each delivery, of which parts of `min-wh` or more are sold. Takes the seller's bond, or
;; for kind 2 the ENERGY itself. Gives the offer's id.
(define-public (create-energy-offer
    (terms {
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
    })
    (buyer (optional principal))
  )
  (let (
      (id (+ (var-get offer-count) u1))
      (energy-wh (get energy-wh terms))
      (by-delivery (is-eq (get kind terms) DELIVERY))
      (capacity-w (begin
        (try! (assert-running))
        (asserts! (or by-delivery (is-eq (get kind terms) CREDITS)) ERR_KIND)
        (try! (assert-currency (get currency terms)))
        (try! (assert-amounts energy-wh (get price-per-kwh terms)))
        (asserts! (and (> (get min-wh terms) u0) (<= (get min-wh terms) energy-wh))
          ERR_ENERGY
        )
        (asserts! (not (is-eq buyer (some contract-caller))) ERR_SELF_TRADE)
        (try! (capacity-of (get kind terms) (get asset-kind terms) (get asset terms)
          contract-caller
        ))
      ))
      (bond (if by-delivery
        (bond-of (value-of energy-wh (get price-per-kwh terms)))
        u0
      ))
      (entry (merge terms {
        seller: contract-caller,
        buyer: buyer,
        remaining-wh: energy-wh,
        expires-at: (+ stacks-block-time
          (contract-call? .governance get-parameter "offer-expiry-s")
        ),
        bond: bond,
        open-trades: u0,
        status: PENDING,
      }))
      (offer (if by-delivery
        (merge entry { expires-at: (smaller (get expires-at entry) (get first-window terms)) })
        entry
      ))
    )
    (if by-delivery
      (begin
        (try! (assert-delivery (get first-window terms) (get windows terms)))
        (try! (assert-row (get windows terms) (get deliveries terms) (get every-s terms)))
        (try! (assert-capacity energy-wh capacity-w (get windows terms)))
        (try! (take (get currency terms) (* bond (get deliveries terms)) contract-caller))
      )
      (begin
        (asserts! (is-eq (get currency terms) STX) ERR_CURRENCY)
        (asserts!
          (and
            (is-eq (get deliveries terms) u1)
            (is-eq u0 (get first-window terms) (get windows terms) (get every-s terms))
          )
          ERR_DELIVERY
        )
        (try! (take ENERGY energy-wh contract-caller))
      )
    )
    (map-insert offers id offer)
    (var-set offer-count id)
    (print {
      topic: "offer-created",
      offer: id,
      entry: offer,
    })
    (ok id)
  )
)

;; Buys `energy-wh` of each delivery of an offer: the money goes into escrow, and each
;; delivery becomes a trade. Of kind 2 the ENERGY is the buyer's at once.
(define-public (accept-energy-offer
    (id uint)
    (energy-wh uint)
  )
  (let ((offer (try! (open-offer id))))
    (try! (assert-running))
    (try! (assert-part offer energy-wh))
    (try! (assert-buyer offer contract-caller))
    (asserts! (fits offer contract-caller) ERR_PREFERENCE)
    (try! (take (get currency offer) (price-of offer energy-wh) contract-caller))
    (sell id contract-caller energy-wh)
  )
)

;; Buys for somebody who has asked for it: within their preferences and with their credit,
;; and sent by anyone. What is matched is all of `energy-wh` or nothing.
(define-public (match-offer
    (id uint)
    (buyer principal)
    (energy-wh uint)
  )
  (let ((offer (try! (open-offer id))))
    (try! (assert-running))
    (try! (assert-part offer energy-wh))
    (try! (assert-buyer offer buyer))
    (asserts!
      (default-to false (get automatic (get-preferences buyer (get currency offer))))
      ERR_NOT_AUTOMATIC
    )
    (asserts! (fits offer buyer) ERR_PREFERENCE)
    (asserts!
      (<=
        (+ (get first-window offer) (* (- (get deliveries offer) u1) (get every-s offer)))
        (+ stacks-block-time MATCH_AHEAD_S)
      )
      ERR_DELIVERY
    )
    (try! (debit buyer (get currency offer) (price-of offer energy-wh)))
    (sell id buyer energy-wh)
  )
)

;; Turns an offer down that was made to the caller; the seller has the rest back.
(define-public (reject-energy-offer (id uint))
  (let ((offer (try! (open-offer id))))
    (asserts! (is-eq (get buyer offer) (some contract-caller)) ERR_NOT_BUYER)
    (send-back id offer REJECTED)
  )
)

;; Takes an offer back, or what was not sold of it: by the seller, and by anyone once it
;; has expired. What was sold stays sold.
(define-public (cancel-energy-offer (id uint))
  (let (
      (offer (unwrap! (map-get? offers id) ERR_UNKNOWN_OFFER))
      (expired (is-eq (status-of offer) EXPIRED))
    )
    (asserts! (is-eq (get status offer) PENDING) ERR_NOT_PENDING)
    (asserts! (or expired (is-eq contract-caller (get seller offer))) ERR_NOT_SELLER)
    (send-back id offer
      (if expired
        EXPIRED
        CANCELLED
      ))
  )
)

;;;; Public: group purchase

;; Lets several buyers take an offer together whose least part is too much for each.
(define-public (open-group-purchase
    (id uint)
    (deadline uint)
  )
  (let (
      (offer (try! (open-offer id)))
      (group (+ (var-get group-count) u1))
    )
    (try! (assert-running))
    (asserts! (and (> deadline stacks-block-time) (<= deadline (get expires-at offer)))
      ERR_GROUP_CLOSED
    )
    (map-insert groups group {
      offer: id,
      organiser: contract-caller,
      members: (list),
      energy-wh: u0,
      deadline: deadline,
      closed: false,
    })
    (var-set group-count group)
    (print {
      topic: "group-opened",
      group: group,
      offer: id,
      organiser: contract-caller,
      deadline: deadline,
    })
    (ok group)
  )
)

;; Pledges to buy a part of the group's offer, and pays for it.
(define-public (join-group-purchase
    (group uint)
    (energy-wh uint)
  )
  (let (
      (found (unwrap! (map-get? groups group) ERR_UNKNOWN_GROUP))
      (offer (try! (open-offer (get offer found))))
      (members (get members found))
      (paid (begin
        (try! (assert-running))
        (asserts! (and (not (get closed found)) (< stacks-block-time (get deadline found)))
          ERR_GROUP_CLOSED
        )
        (asserts!
          (and
            (> energy-wh u0)
            (<= energy-wh (get remaining-wh offer))
            (<= (+ energy-wh (get energy-wh found)) (get remaining-wh offer))
          )
          ERR_ENERGY
        )
        (try! (assert-buyer offer contract-caller))
        (price-of offer energy-wh)
      ))
    )
    (asserts!
      (map-insert pledges {
        group: group,
        who: contract-caller,
      } {
        energy-wh: energy-wh,
        paid: paid,
      })
      ERR_PLEDGED
    )
    (map-set groups group
      (merge found {
        energy-wh: (+ (get energy-wh found) energy-wh),
        members: (if (is-some (index-of? members contract-caller))
          members
          (unwrap! (as-max-len? (append members contract-caller) u10) ERR_GROUP_FULL)
        ),
      })
    )
    (try! (take (get currency offer) paid contract-caller))
    (print {
      topic: "group-joined",
      group: group,
      who: contract-caller,
      energy-wh: energy-wh,
      paid: paid,
    })
    (ok paid)
  )
)

;; Takes a pledge back, at any time before the group has bought.
(define-public (leave-group-purchase (group uint))
  (let (
      (found (unwrap! (map-get? groups group) ERR_UNKNOWN_GROUP))
      (offer (unwrap! (map-get? offers (get offer found)) ERR_UNKNOWN_OFFER))
      (key {
        group: group,
        who: contract-caller,
      })
      (pledge (unwrap! (map-get? pledges key) ERR_NO_PLEDGE))
    )
    (map-delete pledges key)
    (map-set groups group
      (merge found { energy-wh: (- (get energy-wh found) (get energy-wh pledge)) })
    )
    (try! (pay (get currency offer) (get paid pledge) contract-caller))
    (print {
      topic: "group-left",
      group: group,
      who: contract-caller,
      refunded: (get paid pledge),
    })
    (ok (get paid pledge))
  )
)

;; Buys for all members what they pledged, once that is enough. Anyone closes.
(define-public (close-group-purchase (group uint))
  (let (
      (found (unwrap! (map-get? groups group) ERR_UNKNOWN_GROUP))
      (offer (try! (open-offer (get offer found))))
      (energy-wh (get energy-wh found))
    )
    (try! (assert-running))
    (asserts! (not (get closed found)) ERR_GROUP_CLOSED)
    (asserts! (is-part offer energy-wh) ERR_GROUP_SMALL)
    (map-set groups group (merge found { closed: true }))
    (try! (fold sell-pledge (get members found)
      (ok {
        group: group,
        offer: (get offer found),
      })
    ))
    (print {
      topic: "group-closed",
      group: group,
      offer: (get offer found),
      energy-wh: energy-wh,
    })
    (ok energy-wh)
  )
)

;;;; Public: auctions

;; Offers energy of one delivery to the highest bids. Takes the seller's bond on its value at
;; the reserve price. Gives the auction's id.
(define-public (open-auction
    (terms {
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      reserve-per-kwh: uint,
      first-window: uint,
      windows: uint,
      closes-at: uint,
    })
  )
  (let (
      (id (+ (var-get auction-count) u1))
      (capacity-w (begin
        (try! (assert-running))
        (try! (assert-currency (get currency terms)))
        (try! (assert-amounts (get energy-wh terms) (get reserve-per-kwh terms)))
        (try! (assert-delivery (get first-window terms) (get windows terms)))
        (try! (capacity-of DELIVERY (get asset-kind terms) (get asset terms) contract-caller))
      ))
      (bond (bond-of (value-of (get energy-wh terms) (get reserve-per-kwh terms))))
      (entry (merge terms {
        seller: contract-caller,
        bond: bond,
        bids: (list),
        cleared: false,
        clearing-price: u0,
        sold-wh: u0,
      }))
    )
    (try! (assert-capacity (get energy-wh terms) capacity-w (get windows terms)))
    (asserts!
      (and
        (> (get closes-at terms) stacks-block-time)
        (<= (get closes-at terms) (get first-window terms))
      )
      ERR_DELIVERY
    )
    (try! (take (get currency terms) bond contract-caller))
    (map-insert auctions id entry)
    (var-set auction-count id)
    (print {
      topic: "auction-opened",
      auction: id,
      entry: entry,
    })
    (ok id)
  )
)

;; Bids for a part of the energy, binding, with the money in escrow. When the list is full
;; a better bid pushes the last one out, whose money becomes credit.
(define-public (place-bid
    (id uint)
    (energy-wh uint)
    (price-per-kwh uint)
  )
  (let (
      (auction (unwrap! (map-get? auctions id) ERR_UNKNOWN_AUCTION))
      (bids (get bids auction))
      (bid {
        bidder: contract-caller,
        energy-wh: energy-wh,
        price-per-kwh: price-per-kwh,
      })
      (currency (get currency auction))
      (value (begin
        (try! (assert-running))
        (asserts! (not (is-eq contract-caller (get seller auction))) ERR_SELF_TRADE)
        (asserts! (< stacks-block-time (get closes-at auction)) ERR_AUCTION_CLOSED)
        (asserts! (and (> energy-wh u0) (<= energy-wh (get energy-wh auction)))
          ERR_ENERGY
        )
        (asserts! (<= price-per-kwh PRICE_MAX) ERR_PRICE)
        (asserts! (>= price-per-kwh (get reserve-per-kwh auction)) ERR_LOW_BID)
        (value-of energy-wh price-per-kwh)
      ))
      (sorted (get out
        (fold insert-bid bids {
          bid: bid,
          placed: false,
          out: (list bid),
        })
      ))
    )
    (if (is-eq (len bids) BIDS_MAX)
      (let ((last (unwrap! (element-at? sorted BIDS_MAX) ERR_LOW_BID)))
        (asserts! (> price-per-kwh (get price-per-kwh last)) ERR_LOW_BID)
        (credit (get bidder last) currency (bid-value last))
      )
      true
    )
    (try! (take currency value contract-caller))
    (map-set auctions id
      (merge auction { bids: (unwrap!
        (as-max-len?
          (unwrap! (slice? sorted u0 (smaller (len sorted) BIDS_MAX)) ERR_LOW_BID)
          u20
        )
        ERR_LOW_BID
      ) })
    )
    (print {
      topic: "bid-placed",
      auction: id,
      bid: bid,
      value: value,
    })
    (ok value)
  )
)

;; Sells to the dearest bids, all at the price of the lowest one that gets anything, once
;; the auction is closed. Anyone clears, and whenever it is done it comes out the same.
;; What bidders put up above that becomes their credit; the bond of unsold energy goes back.
(define-public (clear-auction (id uint))
  (let (
      (auction (unwrap! (map-get? auctions id) ERR_UNKNOWN_AUCTION))
      (filled (fold fill-bid (get bids auction) {
        left-wh: (get energy-wh auction),
        price-per-kwh: u0,
      }))
      (price-per-kwh (get price-per-kwh filled))
      (sold-wh (- (get energy-wh auction) (get left-wh filled)))
    )
    (asserts! (not (get cleared auction)) ERR_AUCTION_CLOSED)
    (asserts! (>= stacks-block-time (get closes-at auction)) ERR_AUCTION_OPEN)
    (map-set auctions id
      (merge auction {
        cleared: true,
        clearing-price: price-per-kwh,
        sold-wh: sold-wh,
      })
    )
    (let ((rest (fold award-bid (get bids auction) {
        id: id,
        price-per-kwh: price-per-kwh,
        left-wh: (get energy-wh auction),
        bond: (get bond auction),
      })))
      (try! (pay (get currency auction) (get bond rest) (get seller auction)))
      (print {
        topic: "auction-cleared",
        auction: id,
        price-per-kwh: price-per-kwh,
        sold-wh: sold-wh,
        bond-returned: (get bond rest),
        last-trade: (var-get trade-count),
      })
      (ok {
        price-per-kwh: price-per-kwh,
        sold-wh: sold-wh,
      })
    )
  )
)

;;;; Public: money and preferences of one's own

;; Puts money here for matches.
(define-public (deposit
    (currency uint)
    (amount uint)
  )
  (begin
    (try! (assert-running))
    (try! (assert-currency currency))
    (asserts! (> amount u0) ERR_AMOUNT)
    (try! (take currency amount contract-caller))
    (credit contract-caller currency amount)
    (print {
      topic: "credit-deposited",
      who: contract-caller,
      currency: currency,
      amount: amount,
    })
    (ok (get-credit contract-caller currency))
  )
)

;; Takes free money out.
(define-public (withdraw
    (currency uint)
    (amount uint)
  )
  (begin
    (try! (assert-currency currency))
    (asserts! (> amount u0) ERR_AMOUNT)
    (try! (debit contract-caller currency amount))
    (try! (pay currency amount contract-caller))
    (print {
      topic: "credit-withdrawn",
      who: contract-caller,
      currency: currency,
      amount: amount,
    })
    (ok (get-credit contract-caller currency))
  )
)

;; What offers the caller accepts at all in a currency: at most this price, of this source
;; (0 any), from sellers of at least this score; and whether anyone may match it.
(define-public (set-preferences
    (currency uint)
    (max-price-per-kwh uint)
    (source uint)
    (min-score-bps uint)
    (automatic bool)
  )
  (let ((entry {
      max-price-per-kwh: max-price-per-kwh,
      source: source,
      min-score-bps: min-score-bps,
      automatic: automatic,
    }))
    (try! (assert-currency currency))
    (asserts! (<= source SOURCE_MAX) ERR_KIND)
    (asserts! (<= min-score-bps BPS) ERR_AMOUNT)
    (map-set preferences {
      who: contract-caller,
      currency: currency,
    }
      entry
    )
    (print {
      topic: "preferences-set",
      who: contract-caller,
      currency: currency,
      entry: entry,
    })
    (ok true)
  )
)

;;;; Public: payment-settlement only

;; Hands a trade's money over when it is settled, and counts it for the seller.
(define-public (release-trade
    (id uint)
    (delivered-wh uint)
  )
  (let (
      (trade (unwrap! (map-get? trades id) ERR_UNKNOWN_TRADE))
      (sums (get-reputation (get seller trade)))
    )
    (asserts! (is-eq contract-caller SETTLEMENT) ERR_NOT_SETTLEMENT)
    (asserts! (not (get released trade)) ERR_RELEASED)
    (map-set trades id (merge trade { released: true }))
    (map-set reputations (get seller trade) {
      trades: (+ (get trades sums) u1),
      promised-wh: (+ (get promised-wh sums) (get energy-wh trade)),
      delivered-wh: (+ (get delivered-wh sums) delivered-wh),
    })
    (complete (get offer trade))
    (try! (pay (get currency trade) (+ (get value trade) (get bond trade)) SETTLEMENT))
    (print {
      topic: "trade-released",
      trade: id,
      delivered-wh: delivered-wh,
    })
    (ok true)
  )
)

;; Corrects the seller's score when a restated window changes what was delivered.
(define-public (restate-trade
    (id uint)
    (before-wh uint)
    (delivered-wh uint)
  )
  (let (
      (trade (unwrap! (map-get? trades id) ERR_UNKNOWN_TRADE))
      (sums (get-reputation (get seller trade)))
    )
    (asserts! (is-eq contract-caller SETTLEMENT) ERR_NOT_SETTLEMENT)
    (asserts! (get released trade) ERR_RELEASED)
    (map-set reputations (get seller trade) {
      trades: (get trades sums),
      promised-wh: (get promised-wh sums),
      delivered-wh: (- (+ (get delivered-wh sums) delivered-wh) before-wh),
    })
    (print {
      topic: "trade-restated",
      trade: id,
      before-wh: before-wh,
      delivered-wh: delivered-wh,
    })
    (ok true)
  )
)

;;;; Private: what is allowed

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

(define-private (assert-currency (currency uint))
  (ok (asserts! (or (is-eq currency STX) (is-eq currency ENERGY)) ERR_CURRENCY))
)

(define-private (assert-amounts
    (energy-wh uint)
    (price-per-kwh uint)
  )
  (begin
    (asserts! (and (> energy-wh u0) (<= energy-wh ENERGY_MAX_WH)) ERR_ENERGY)
    (ok (asserts! (and (> price-per-kwh u0) (<= price-per-kwh PRICE_MAX)) ERR_PRICE))
  )
)

;; Sales end before the first window begins: nobody trades in what is known already.
(define-private (assert-delivery
    (first-window uint)
    (windows uint)
  )
  (ok (asserts!
    (and
      (> windows u0)
      (<= windows WINDOWS_MAX)
      (> first-window stacks-block-time)
      (<= first-window (+ stacks-block-time HORIZON_S))
      (is-eq (mod first-window (window-s)) u0)
    )
    ERR_DELIVERY
  ))
)

(define-private (assert-row
    (windows uint)
    (deliveries uint)
    (every-s uint)
  )
  (ok (asserts!
    (and
      (> deliveries u0)
      (<= deliveries DELIVERIES_MAX)
      (<= every-s EVERY_MAX_S)
      (is-eq (mod every-s (window-s)) u0)
      (or (is-eq deliveries u1) (>= every-s (* windows (window-s))))
    )
    ERR_DELIVERY
  ))
)

(define-private (assert-capacity
    (energy-wh uint)
    (capacity-w uint)
    (windows uint)
  )
  (ok (asserts! (<= (* energy-wh HOUR_S) (* capacity-w windows (window-s)))
    ERR_CAPACITY
  ))
)

;; What a seller's asset may feed in, in W, if it is theirs and may trade now.
(define-private (capacity-of
    (kind uint)
    (asset-kind uint)
    (asset uint)
    (seller principal)
  )
  (begin
    (asserts! (or (is-eq asset-kind DEVICE) (is-eq asset-kind VPP)) ERR_KIND)
    (if (is-eq asset-kind DEVICE)
      (let ((device (unwrap! (contract-call? .registration get-device asset) ERR_UNKNOWN_ASSET)))
        (asserts! (is-eq seller (get owner device)) ERR_NOT_SELLER)
        (asserts! (contract-call? .grid-management may-trade asset) ERR_NOT_CONNECTED)
        ;; What an asset in a VPP will feed in is sold by the VPP, or it would be sold twice.
        (asserts!
          (or (is-eq kind CREDITS) (is-none (contract-call? .aggregation get-vpp-of asset)))
          ERR_NOT_SELLER
        )
        (ok (contract-call? .grid-management get-export-limit asset))
      )
      (let (
          (plant (unwrap! (contract-call? .aggregation get-vpp asset) ERR_UNKNOWN_ASSET))
          (capacity-w (contract-call? .aggregation get-capacity asset))
        )
        (asserts! (is-eq seller (get operator plant)) ERR_NOT_SELLER)
        (asserts! (> capacity-w u0) ERR_NOT_CONNECTED)
        (ok capacity-w)
      )
    )
  )
)

(define-private (assert-buyer
    (offer {
      seller: principal,
      buyer: (optional principal),
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      remaining-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
      expires-at: uint,
      bond: uint,
      open-trades: uint,
      status: uint,
    })
    (who principal)
  )
  (begin
    (asserts! (not (is-eq who (get seller offer))) ERR_SELF_TRADE)
    (ok (asserts! (is-eq who (default-to who (get buyer offer))) ERR_NOT_BUYER))
  )
)

;; A part of an offer is at least its least part, or all that is left.
(define-private (is-part
    (offer {
      seller: principal,
      buyer: (optional principal),
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      remaining-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
      expires-at: uint,
      bond: uint,
      open-trades: uint,
      status: uint,
    })
    (energy-wh uint)
  )
  (and
    (> energy-wh u0)
    (<= energy-wh (get remaining-wh offer))
    (or (>= energy-wh (get min-wh offer)) (is-eq energy-wh (get remaining-wh offer)))
  )
)

(define-private (assert-part
    (offer {
      seller: principal,
      buyer: (optional principal),
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      remaining-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
      expires-at: uint,
      bond: uint,
      open-trades: uint,
      status: uint,
    })
    (energy-wh uint)
  )
  (ok (asserts! (is-part offer energy-wh) ERR_ENERGY))
)

(define-private (status-of (offer {
  seller: principal,
  buyer: (optional principal),
  kind: uint,
  asset-kind: uint,
  asset: uint,
  currency: uint,
  energy-wh: uint,
  remaining-wh: uint,
  min-wh: uint,
  price-per-kwh: uint,
  first-window: uint,
  windows: uint,
  deliveries: uint,
  every-s: uint,
  expires-at: uint,
  bond: uint,
  open-trades: uint,
  status: uint,
}))
  (if (and
      (is-eq (get status offer) PENDING)
      (>= stacks-block-time (get expires-at offer))
    )
    EXPIRED
    (get status offer)
  )
)

;; An offer that can be taken now.
(define-private (open-offer (id uint))
  (let ((offer (unwrap! (map-get? offers id) ERR_UNKNOWN_OFFER)))
    (asserts! (is-eq (status-of offer) PENDING) ERR_NOT_PENDING)
    (ok offer)
  )
)

;; True if the buyer has no preferences in this currency or the offer meets them.
(define-private (fits
    (offer {
      seller: principal,
      buyer: (optional principal),
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      remaining-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
      expires-at: uint,
      bond: uint,
      open-trades: uint,
      status: uint,
    })
    (who principal)
  )
  (match (get-preferences who (get currency offer))
    wish (and
      (<= (get price-per-kwh offer) (get max-price-per-kwh wish))
      (>= (get score-bps (get-reputation (get seller offer))) (get min-score-bps wish))
      (or
        (is-eq (get source wish) u0)
        (and
          (is-eq (get asset-kind offer) DEVICE)
          (is-eq (some (get source wish))
            (get source (contract-call? .registration get-device (get asset offer)))
          )
        )
      )
    )
    true
  )
)

;;;; Private: sales

;; What a buyer pays for a part of all deliveries of an offer.
(define-private (price-of
    (offer {
      seller: principal,
      buyer: (optional principal),
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      remaining-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
      expires-at: uint,
      bond: uint,
      open-trades: uint,
      status: uint,
    })
    (energy-wh uint)
  )
  (* (get deliveries offer) (value-of energy-wh (get price-per-kwh offer)))
)

;; Sells a part to a buyer whose money is in escrow already: ENERGY at once, deliveries as
;; trades. The seller must still have the asset, and it must still be connected.
(define-private (sell
    (id uint)
    (buyer principal)
    (energy-wh uint)
  )
  (let (
      (offer (try! (open-offer id)))
      (seller (get seller offer))
      (remaining-wh (get remaining-wh offer))
      (left-wh (begin
        (try! (capacity-of (get kind offer) (get asset-kind offer) (get asset offer) seller))
        (asserts! (<= energy-wh remaining-wh) ERR_ENERGY)
        (- remaining-wh energy-wh)
      ))
      (by-delivery (is-eq (get kind offer) DELIVERY))
      (value (value-of energy-wh (get price-per-kwh offer)))
      (bond (/ (* (get bond offer) energy-wh) remaining-wh))
      (first-trade (+ (var-get trade-count) u1))
      (opened (if by-delivery
        (get deliveries offer)
        u0
      ))
      (status (if (> left-wh u0)
        PENDING
        (if by-delivery
          ACCEPTED
          COMPLETED
        )
      ))
    )
    (if by-delivery
      (fold open-delivery DELIVERIES {
        deliveries: opened,
        every-s: (get every-s offer),
        trade: {
          seller: seller,
          buyer: buyer,
          offer: id,
          auction: u0,
          asset-kind: (get asset-kind offer),
          asset: (get asset offer),
          currency: (get currency offer),
          energy-wh: energy-wh,
          price-per-kwh: (get price-per-kwh offer),
          value: value,
          bond: bond,
          first-window: (get first-window offer),
          windows: (get windows offer),
        },
      })
      (begin
        (try! (pay STX value seller))
        (try! (pay ENERGY energy-wh buyer))
        (count-sale STX energy-wh (get price-per-kwh offer) value)
        {
          deliveries: u0,
          every-s: u0,
          trade: {
            seller: seller,
            buyer: buyer,
            offer: id,
            auction: u0,
            asset-kind: u0,
            asset: u0,
            currency: STX,
            energy-wh: energy-wh,
            price-per-kwh: u0,
            value: value,
            bond: u0,
            first-window: u0,
            windows: u0,
          },
        }
      )
    )
    (map-set offers id
      (merge offer {
        remaining-wh: left-wh,
        bond: (- (get bond offer) bond),
        open-trades: (+ (get open-trades offer) opened),
        status: status,
      })
    )
    (print {
      topic: "offer-accepted",
      offer: id,
      buyer: buyer,
      energy-wh: energy-wh,
      value: (* value (get deliveries offer)),
      first-trade: first-trade,
      trades: opened,
      status: status,
    })
    (ok {
      first-trade: first-trade,
      trades: opened,
      paid: (* value (get deliveries offer)),
    })
  )
)

;; One trade for each delivery of a row.
(define-private (open-delivery
    (number uint)
    (row {
      deliveries: uint,
      every-s: uint,
      trade: {
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
        first-window: uint,
        windows: uint,
      },
    })
  )
  (let ((trade (get trade row)))
    (and
      (< number (get deliveries row))
      (open-trade (merge trade { first-window: (+ (get first-window trade) (* number (get every-s row))) }))
    )
    row
  )
)

(define-private (open-trade (terms {
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
  first-window: uint,
  windows: uint,
}))
  (let (
      (id (+ (var-get trade-count) u1))
      (end (+ (get first-window terms) (* (get windows terms) (window-s))))
      (entry (merge terms {
        fee-bps: (contract-call? .governance get-parameter "trade-fee-bps"),
        final-at: (+ end (contract-call? .governance get-parameter "settlement-deadline-s")),
        released: false,
      }))
    )
    (map-insert trades id entry)
    (var-set trade-count id)
    (count-sale (get currency terms) (get energy-wh terms) (get price-per-kwh terms)
      (get value terms)
    )
    (print {
      topic: "trade-opened",
      trade: id,
      entry: entry,
    })
    true
  )
)

(define-private (count-sale
    (currency uint)
    (energy-wh uint)
    (price-per-kwh uint)
    (value uint)
  )
  (let ((sums (default-to {
      last-price-per-kwh: u0,
      energy-wh: u0,
      value: u0,
    }
      (map-get? markets currency)
    )))
    (map-set markets currency {
      last-price-per-kwh: price-per-kwh,
      energy-wh: (+ (get energy-wh sums) energy-wh),
      value: (+ (get value sums) value),
    })
  )
)

;; Ends an offer and gives the seller what escrow holds of it.
(define-private (send-back
    (id uint)
    (offer {
      seller: principal,
      buyer: (optional principal),
      kind: uint,
      asset-kind: uint,
      asset: uint,
      currency: uint,
      energy-wh: uint,
      remaining-wh: uint,
      min-wh: uint,
      price-per-kwh: uint,
      first-window: uint,
      windows: uint,
      deliveries: uint,
      every-s: uint,
      expires-at: uint,
      bond: uint,
      open-trades: uint,
      status: uint,
    })
    (status uint)
  )
  (let (
      (by-delivery (is-eq (get kind offer) DELIVERY))
      (currency (if by-delivery
        (get currency offer)
        ENERGY
      ))
      (amount (if by-delivery
        (* (get bond offer) (get deliveries offer))
        (get remaining-wh offer)
      ))
    )
    (map-set offers id
      (merge offer {
        remaining-wh: u0,
        bond: u0,
        status: status,
      })
    )
    (try! (pay currency amount (get seller offer)))
    (print {
      topic: "offer-ended",
      offer: id,
      status: status,
      currency: currency,
      returned: amount,
      by: contract-caller,
    })
    (ok amount)
  )
)

;; An offer that is sold is completed with the last of its trades.
(define-private (complete (id uint))
  (match (map-get? offers id)
    offer (let ((open-trades (- (get open-trades offer) u1)))
      (map-set offers id
        (merge offer {
          open-trades: open-trades,
          status: (if (and (is-eq (get status offer) ACCEPTED) (is-eq open-trades u0))
            COMPLETED
            (get status offer)
          ),
        })
      )
    )
    false
  )
)

;; A member who has left pledges nothing and buys nothing.
(define-private (sell-pledge
    (who principal)
    (purchase (response {
      group: uint,
      offer: uint,
    } uint))
  )
  (let (
      (target (try! purchase))
      (key {
        group: (get group target),
        who: who,
      })
    )
    (match (map-get? pledges key)
      pledge (begin
        (map-delete pledges key)
        (try! (sell (get offer target) who (get energy-wh pledge)))
        (ok target)
      )
      (ok target)
    )
  )
)

;;;; Private: bids

(define-private (bid-value (bid {
  bidder: principal,
  energy-wh: uint,
  price-per-kwh: uint,
}))
  (value-of (get energy-wh bid) (get price-per-kwh bid))
)

;; Builds the sorted list. `out` begins with the new bid; each bid that is not worse goes
;; before it, the rest behind.
(define-private (insert-bid
    (next {
      bidder: principal,
      energy-wh: uint,
      price-per-kwh: uint,
    })
    (state {
      bid: {
        bidder: principal,
        energy-wh: uint,
        price-per-kwh: uint,
      },
      placed: bool,
      out: (list 21 {
        bidder: principal,
        energy-wh: uint,
        price-per-kwh: uint,
      }),
    })
  )
  (let (
      (bid (get bid state))
      (out (get out state))
      (worse (< (get price-per-kwh next) (get price-per-kwh bid)))
      (at (- (len out) u1))
    )
    (if (or worse (get placed state))
      (merge state {
        placed: true,
        out: (default-to out (as-max-len? (append out next) u21)),
      })
      (merge state { out: (default-to out
        (as-max-len? (append (default-to out (replace-at? out at next)) bid) u21)
      ) })
    )
  )
)

;; How far the energy goes, and the price of the last bid that it reaches.
(define-private (fill-bid
    (bid {
      bidder: principal,
      energy-wh: uint,
      price-per-kwh: uint,
    })
    (state {
      left-wh: uint,
      price-per-kwh: uint,
    })
  )
  (if (is-eq (get left-wh state) u0)
    state
    {
      left-wh: (- (get left-wh state) (smaller (get left-wh state) (get energy-wh bid))),
      price-per-kwh: (get price-per-kwh bid),
    }
  )
)

;; Gives a bid its trade at the clearing price, or nothing, and the rest of its money back.
(define-private (award-bid
    (bid {
      bidder: principal,
      energy-wh: uint,
      price-per-kwh: uint,
    })
    (state {
      id: uint,
      price-per-kwh: uint,
      left-wh: uint,
      bond: uint,
    })
  )
  (match (map-get? auctions (get id state))
    auction (let (
        (left-wh (get left-wh state))
        (energy-wh (smaller left-wh (get energy-wh bid)))
        (value (value-of energy-wh (get price-per-kwh state)))
        (bond (if (is-eq left-wh u0)
          u0
          (/ (* (get bond state) energy-wh) left-wh)
        ))
      )
      (credit (get bidder bid) (get currency auction) (- (bid-value bid) value))
      (and
        (> energy-wh u0)
        (open-trade {
          seller: (get seller auction),
          buyer: (get bidder bid),
          offer: u0,
          auction: (get id state),
          asset-kind: (get asset-kind auction),
          asset: (get asset auction),
          currency: (get currency auction),
          energy-wh: energy-wh,
          price-per-kwh: (get price-per-kwh state),
          value: value,
          bond: bond,
          first-window: (get first-window auction),
          windows: (get windows auction),
        })
      )
      (merge state {
        left-wh: (- left-wh energy-wh),
        bond: (- (get bond state) bond),
      })
    )
    state
  )
)

;;;; Private: money

(define-private (credit
    (who principal)
    (currency uint)
    (amount uint)
  )
  (or
    (is-eq amount u0)
    (map-set credits {
      who: who,
      currency: currency,
    }
      (+ (get-credit who currency) amount)
    )
  )
)

(define-private (debit
    (who principal)
    (currency uint)
    (amount uint)
  )
  (let ((free (get-credit who currency)))
    (asserts! (<= amount free) ERR_AMOUNT)
    (ok (map-set credits {
      who: who,
      currency: currency,
    }
      (- free amount)
    ))
  )
)

;; Takes the caller's money into escrow.
(define-private (take
    (currency uint)
    (amount uint)
    (who principal)
  )
  (if (is-eq amount u0)
    (ok true)
    (begin
      (if (is-eq currency STX)
        (unwrap! (stx-transfer? amount who current-contract) ERR_TRANSFER)
        (unwrap! (contract-call? .energy-token transfer amount who current-contract none)
          ERR_TRANSFER
        )
      )
      (ok (var-set escrow
        (if (is-eq currency STX)
          (merge (var-get escrow) { stx: (+ (get stx (var-get escrow)) amount) })
          (merge (var-get escrow) { energy: (+ (get energy (var-get escrow)) amount) })
        )))
    )
  )
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
