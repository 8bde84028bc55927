;; Title: traits-sip010
;; The trait of SIP-010, word for word as mainnet's
;; SP3FBR2AGK5H9QBDH3EEN6DF8EK8JY7RX8QJ5SVTE.sip-010-trait-ft-standard has it. Traits are
;; compared by their shape, so a token that has this one has mainnet's.

(define-trait sip-010-trait (
  ;; Transfer from the caller to a new principal
  (transfer
    (uint principal principal (optional (buff 34)))
    (response bool uint)
  )
  ;; the human readable name of the token
  (get-name
    ()
    (response (string-ascii 32) uint)
  )
  ;; the ticker symbol, or empty if none
  (get-symbol
    ()
    (response (string-ascii 32) uint)
  )
  ;; the number of decimals used, e.g. 6 would mean 1_000_000 represents 1 token
  (get-decimals
    ()
    (response uint uint)
  )
  ;; the balance of the passed principal
  (get-balance
    (principal)
    (response uint uint)
  )
  ;; the current total supply (which does not need to be a constant)
  (get-total-supply
    ()
    (response uint uint)
  )
  ;; an optional URI that represents metadata of this token
  (get-token-uri
    ()
    (response (optional (string-utf8 256)) uint)
  )
))
