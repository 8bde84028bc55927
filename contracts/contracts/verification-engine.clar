;; Title: verification-engine
;; Decides: whether energy is attested. It is the one place that knows proofs: a leaf, a
;;   zone or a meter's record goes in with its Merkle path, what may be paid for comes out.
;; Immutable: it holds nothing and moves nothing.
;; Who may call: anyone reads. The same leaf is proven as often as it is shown: a contract
;;   that pays for it keeps its own insert-only map of {usage-point, window}, at least.
;; What a caller may rely on: the window is attested, no newer revision restates it, no
;;   dispute has judged it false, and the device is verified now and was valid then. A
;;   revoked device proves nothing more, not even of windows before.

;;;; Constants

;; Statuses of a device: in the registry, and out of it for good.
(define-constant VERIFIED u1)
(define-constant REVOKED u2)

;; No leaf has more, in Wh: where registers end.
(define-constant ENERGY_MAX u1000000000000000)
(define-constant BPS u10000)

;; A value has no consensus bytes; no argument of these types can cause it.
(define-constant ERR_ENCODING (err u600))
;; No such attestation.
(define-constant ERR_NOT_ATTESTED (err u601))
;; A newer revision of the window is attested.
(define-constant ERR_RESTATED (err u602))
;; A dispute has shown that the attestation is false.
(define-constant ERR_JUDGED (err u603))
;; The zone is not open in production-oracle, or the window is void.
(define-constant ERR_ZONE_CLOSED (err u604))
;; The proof does not lead from the leaf to the zone's root.
(define-constant ERR_NOT_PROVEN (err u605))
;; The usage point is no registered device.
(define-constant ERR_UNKNOWN_DEVICE (err u606))
;; The device was revoked.
(define-constant ERR_REVOKED (err u607))
;; The device waits for verification, or was not valid in this window.
(define-constant ERR_NOT_VERIFIED (err u608))
;; These bytes are not the record that the leaf names.
(define-constant ERR_OTHER_RECORD (err u609))

;;;; Read-only

;; An open zone of an attestation that stands: its sums and the root of its leaves.
(define-read-only (verify-zone
    (window uint)
    (revision uint)
    (zone uint)
  )
  (begin
    (asserts! (contract-call? .production-oracle is-latest window revision)
      (if (is-some (contract-call? .production-oracle get-attestation window revision))
        ERR_RESTATED
        ERR_NOT_ATTESTED
      )
    )
    (asserts! (is-none (contract-call? .dispute-resolution get-judgement window revision))
      ERR_JUDGED
    )
    (ok (unwrap! (contract-call? .production-oracle get-zone window revision zone)
      ERR_ZONE_CLOSED
    ))
  )
)

;; A leaf of an attestation that stands, and whose energy it is: that of the owner of the
;; device now. `index` is its place among the leaves sorted by usage point, `siblings` the
;; path from leaf to root (R6).
(define-read-only (verify-leaf
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
      (window (get window leaf))
      (usage-point (get usage-point leaf))
      (opened (try! (verify-zone window revision zone)))
      (device (unwrap! (contract-call? .registration get-device usage-point)
        ERR_UNKNOWN_DEVICE
      ))
    )
    (asserts!
      (verify-merkle-proof (sha256 (sha256 (unwrap! (to-consensus-buff? leaf) ERR_ENCODING)))
        (get root opened) index (get leaf-count opened) siblings
      )
      ERR_NOT_PROVEN
    )
    (asserts! (not (is-eq (get status device) REVOKED)) ERR_REVOKED)
    ;; What registration's is-verified-at says, without reading the device again.
    (asserts!
      (and
        (is-eq (get status device) VERIFIED)
        (or
          (is-eq (get valid-until device) u0)
          (< window (get valid-until device))
        )
      )
      ERR_NOT_VERIFIED
    )
    (ok {
      producer: (get owner device),
      usage-point: usage-point,
      window: window,
      import-wh: (get import-wh leaf),
      export-wh: (get export-wh leaf),
      quality: (get quality leaf),
      assurance: (get assurance leaf),
    })
  )
)

;; A leaf as above, and that `record` is what it was read from, byte for byte (R1): the
;; meter's own message, or the whole batch of a gateway.
(define-read-only (verify-meter-record
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
    (record (buff 8192))
  )
  (begin
    (asserts! (is-eq (sha256 record) (get record leaf)) ERR_OTHER_RECORD)
    (verify-leaf revision zone leaf index siblings)
  )
)

;; How far a reduction was met: what was used less than the baseline, as a share of what
;; was promised, in basis points, rounded down. Nothing promised is nothing met.
(define-read-only (performance-of
    (baseline-wh uint)
    (actual-wh uint)
    (target-wh uint)
  )
  (if (or (<= baseline-wh actual-wh) (is-eq target-wh u0))
    u0
    (/ (* (smaller (- baseline-wh actual-wh) ENERGY_MAX) BPS) target-wh)
  )
)

;;;; Private

(define-private (smaller
    (a uint)
    (b uint)
  )
  (if (< a b)
    a
    b
  )
)
