;; Title: energy-token
;; Decides: who holds ENERGY. One unit is one Wh that a meter has fed in and a window has
;;   attested; with 3 decimals a wallet shows kWh.
;; Immutable: supply = minted - burned; nobody's units move without the holder.
;; Who may call: holders transfer and burn; contracts with the role "minter" mint, which
;;   are those that take a proof for it; a contract with the role "burner" uses units up
;;   for the holder who signed the transaction. The pause stops minting only.

(impl-trait .traits-sip010.sip-010-trait)

;;;; Constants

(define-constant MINTER "minter")
(define-constant BURNER "burner")

;; No proof is of more, in Wh: where registers end. So supply never overflows.
(define-constant MINT_MAX u1000000000000000)

;; SIP-010's code for a sender who did not ask for the transfer; its u1 (balance), u2 (to
;; oneself) and u3 (nothing) are those of `ft-transfer?`.
(define-constant NOT_SENDER (err u4))

;; The caller may neither mint nor burn this.
(define-constant ERR_NOT_ALLOWED (err u620))
;; Minting waits until the pause is over.
(define-constant ERR_PAUSED (err u621))
;; Nothing is minted or burned, or more is minted than any proof is of.
(define-constant ERR_AMOUNT (err u622))
;; The holder has less.
(define-constant ERR_BALANCE (err u623))

;;;; Data

(define-fungible-token energy)

;; Invariant: supply = minted - burned.
(define-data-var minted uint u0)

;;;; Read-only

(define-read-only (get-name)
  (ok "Wattest Energy")
)

(define-read-only (get-symbol)
  (ok "ENERGY")
)

(define-read-only (get-decimals)
  (ok u3)
)

(define-read-only (get-balance (who principal))
  (ok (ft-get-balance energy who))
)

(define-read-only (get-total-supply)
  (ok (ft-get-supply energy))
)

(define-read-only (get-token-uri)
  (ok none)
)

;; All that was ever minted and burned, in Wh.
(define-read-only (get-totals)
  {
    minted: (var-get minted),
    burned: (- (var-get minted) (ft-get-supply energy)),
  }
)

;;;; Public

;; SIP-010. The sender is who signed the transaction, or the contract that calls: so one
;; contract can take a user's units into its escrow and give them back.
(define-public (transfer
    (amount uint)
    (sender principal)
    (recipient principal)
    (memo (optional (buff 34)))
  )
  (begin
    (asserts! (or (is-eq tx-sender sender) (is-eq contract-caller sender)) NOT_SENDER)
    (try! (ft-transfer? energy amount sender recipient))
    (match memo
      said (print said)
      0x
    )
    (ok true)
  )
)

;; Makes `amount` units for `recipient`: `minter` only.
(define-public (mint
    (amount uint)
    (recipient principal)
  )
  (begin
    (asserts! (contract-call? .roles has-role contract-caller MINTER) ERR_NOT_ALLOWED)
    (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED)
    (asserts! (and (> amount u0) (<= amount MINT_MAX)) ERR_AMOUNT)
    (unwrap! (ft-mint? energy amount recipient) ERR_AMOUNT)
    (var-set minted (+ (var-get minted) amount))
    (print {
      topic: "energy-minted",
      amount: amount,
      recipient: recipient,
      by: contract-caller,
    })
    (ok true)
  )
)

;; Uses units up: by their holder, or by a `burner` that the holder has called.
(define-public (burn
    (amount uint)
    (holder principal)
  )
  (begin
    (asserts!
      (or
        (is-eq contract-caller holder)
        (and
          (is-eq tx-sender holder)
          (contract-call? .roles has-role contract-caller BURNER)
        )
      )
      ERR_NOT_ALLOWED
    )
    (asserts! (> amount u0) ERR_AMOUNT)
    (unwrap! (ft-burn? energy amount holder) ERR_BALANCE)
    (print {
      topic: "energy-burned",
      amount: amount,
      holder: holder,
      by: contract-caller,
    })
    (ok true)
  )
)
