;; Title: registration
;; Decides: which users, producers and devices exist, and which devices count. It holds
;;   hashes only: no address, no meter number and no name of a home.
;; Immutable: device ids 1, 2, 3 ... are inserted once and a revoked device never comes
;;   back; at any time a meter key and a meter id belong to at most one verified device.
;; Who may call: anyone registers itself and its devices; holders of the role "verifier"
;;   verify and revoke; an owner revokes, transfers and rotates the key of its own; after
;;   a device's validity anyone may revoke it. A pause stops registration, verification
;;   and transfer; revoking and rotating go on.

;;;; Constants

(define-constant VERIFIER "verifier")

;; Statuses of a device.
(define-constant PENDING u0)
(define-constant VERIFIED u1)
(define-constant REVOKED u2)

;; Kinds of device.
(define-constant METER u1)
(define-constant GATEWAY u2)

;; Curves of a meter key.
(define-constant NO_KEY u0)
(define-constant SECP256R1 u1)
(define-constant SECP256K1 u2)
(define-constant ED25519 u3)

;; Kinds of user: 1 household, 2 producer, 3 consumer, 4 utility or trader.
(define-constant USER_KIND_MAX u4)
;; Sources: 0 none (consumption), 1 solar, 2 wind, 3 hydro, 4 biomass, 5 geothermal,
;; 6 storage, 7 combined heat and power, 8 other.
(define-constant SOURCE_MAX u8)
;; 10 GW: more than any plant there is behind one meter.
(define-constant CAPACITY_W_MAX u10000000000)

;; The caller is neither a verifier nor the owner.
(define-constant ERR_NOT_ALLOWED (err u200))
;; Registration waits until the pause is over.
(define-constant ERR_PAUSED (err u201))
;; The principal is registered already.
(define-constant ERR_KNOWN_USER (err u202))
;; The principal is not registered.
(define-constant ERR_UNKNOWN_USER (err u203))
;; No such kind of user or of device.
(define-constant ERR_KIND (err u204))
;; No such source of energy.
(define-constant ERR_SOURCE (err u205))
;; A hash has 32 bytes.
(define-constant ERR_HASH (err u206))
;; A meter's capacity is above 0 and at most 10 GW.
(define-constant ERR_CAPACITY (err u207))
;; The key does not fit the curve, or a gateway lacks its P-256 key.
(define-constant ERR_KEY (err u208))
;; The owner has a device with this reference.
(define-constant ERR_KNOWN_REFERENCE (err u209))
;; No device has this id.
(define-constant ERR_UNKNOWN_DEVICE (err u210))
;; The device is not waiting for verification.
(define-constant ERR_NOT_PENDING (err u211))
;; The device was revoked.
(define-constant ERR_REVOKED (err u212))
;; A verified device has this key.
(define-constant ERR_KEY_IN_USE (err u213))
;; A verified device has this meter id.
(define-constant ERR_METER_IN_USE (err u214))
;; The validity lies in the past.
(define-constant ERR_EXPIRED (err u215))
;; The new owner is the old one.
(define-constant ERR_SAME_OWNER (err u216))
;; A name or description is not empty.
(define-constant ERR_TEXT (err u217))

;;;; Data

(define-map users
  principal
  {
    kind: uint,
    profile: (buff 32),
    registered-at: uint,
  }
)

;; Invariant: every producer is a user.
(define-map producers
  principal
  {
    name: (string-ascii 64),
    source: uint,
    location: (buff 32),
    registered-at: uint,
  }
)

(define-data-var device-count uint u0)

;; Invariants: ids are 1 .. device-count; `kind`, `curve` and `key` fit each other;
;; status goes pending -> verified -> (pending again, by the owner's rotation) -> revoked.
(define-map devices
  uint
  {
    owner: principal,
    description: (string-ascii 64),
    zone: uint,
    kind: uint,
    curve: uint,
    key: (buff 33),
    capacity-w: uint,
    meter-id: (buff 32),
    location: (buff 32),
    source: uint,
    status: uint,
    valid-until: uint,
  }
)

;; Insert-only: an owner's own number for a device, so that a repeated call is refused.
(define-map references
  {
    owner: principal,
    reference: uint,
  }
  uint
)

;; Invariant: exactly the keys of verified devices that have one.
(define-map keys-in-use
  (buff 33)
  uint
)

;; Invariant: exactly the meter ids of verified devices.
(define-map meters-in-use
  (buff 32)
  uint
)

;; Rises with every change to the set of verified devices or to one of them.
(define-data-var registry-revision uint u0)

;;;; Read-only

(define-read-only (get-user (who principal))
  (map-get? users who)
)

(define-read-only (get-producer-info (who principal))
  (map-get? producers who)
)

(define-read-only (get-device (device uint))
  (map-get? devices device)
)

;; A page of devices, one place for each id asked.
(define-read-only (get-devices (ids (list 25 uint)))
  (map get-device ids)
)

(define-read-only (get-device-count)
  (var-get device-count)
)

(define-read-only (get-device-by-reference
    (owner principal)
    (reference uint)
  )
  (map-get? references {
    owner: owner,
    reference: reference,
  })
)

;; A number that differs if the registry may differ: nodes poll it, then read pages.
(define-read-only (get-registry-revision)
  (var-get registry-revision)
)

;; True if the device is verified and its validity covers `time-s`.
(define-read-only (is-verified-at
    (device uint)
    (time-s uint)
  )
  (match (map-get? devices device)
    found (and
      (is-eq (get status found) VERIFIED)
      (or (is-eq (get valid-until found) u0) (< time-s (get valid-until found)))
    )
    false
  )
)

;;;; Public: users

;; Registers the caller; `profile` is a salted hash of what it is called elsewhere.
(define-public (register-user
    (kind uint)
    (profile (buff 32))
  )
  (begin
    (try! (assert-running))
    (asserts! (and (> kind u0) (<= kind USER_KIND_MAX)) ERR_KIND)
    (asserts! (is-eq (len profile) u32) ERR_HASH)
    (asserts!
      (map-insert users contract-caller {
        kind: kind,
        profile: profile,
        registered-at: stacks-block-time,
      })
      ERR_KNOWN_USER
    )
    (print {
      topic: "user-registered",
      user: contract-caller,
      kind: kind,
      profile: profile,
    })
    (ok true)
  )
)

;; Lists a registered user as a producer of energy.
(define-public (register-producer
    (name (string-ascii 64))
    (source uint)
    (location (buff 32))
  )
  (begin
    (try! (assert-running))
    (asserts! (is-some (map-get? users contract-caller)) ERR_UNKNOWN_USER)
    (asserts! (> (len name) u0) ERR_TEXT)
    (asserts! (and (> source u0) (<= source SOURCE_MAX)) ERR_SOURCE)
    (asserts! (is-eq (len location) u32) ERR_HASH)
    (asserts!
      (map-insert producers contract-caller {
        name: name,
        source: source,
        location: location,
        registered-at: stacks-block-time,
      })
      ERR_KNOWN_USER
    )
    (print {
      topic: "producer-registered",
      producer: contract-caller,
      name: name,
      source: source,
      location: location,
    })
    (ok true)
  )
)

;;;; Public: devices

;; Adds a device of the caller, pending verification: `reference` is the owner's own
;; number for it, `valid-until` a time in seconds or 0. Gives the device id.
(define-public (register-device
    (reference uint)
    (description (string-ascii 64))
    (capacity-w uint)
    (details {
      zone: uint,
      kind: uint,
      curve: uint,
      key: (buff 33),
      meter-id: (buff 32),
      location: (buff 32),
      source: uint,
      valid-until: uint,
    })
  )
  (let (
      (device (+ (var-get device-count) u1))
      (kind (get kind details))
      (valid-until (get valid-until details))
      (entry {
        owner: contract-caller,
        description: description,
        zone: (get zone details),
        kind: kind,
        curve: (get curve details),
        key: (get key details),
        capacity-w: capacity-w,
        meter-id: (get meter-id details),
        location: (get location details),
        source: (get source details),
        status: PENDING,
        valid-until: valid-until,
      })
    )
    (try! (assert-running))
    (asserts! (is-some (map-get? users contract-caller)) ERR_UNKNOWN_USER)
    (asserts! (> (len description) u0) ERR_TEXT)
    (asserts! (or (is-eq kind METER) (is-eq kind GATEWAY)) ERR_KIND)
    (asserts!
      (and (<= capacity-w CAPACITY_W_MAX) (or (is-eq kind GATEWAY) (> capacity-w u0)))
      ERR_CAPACITY
    )
    (asserts! (is-key kind (get curve details) (get key details)) ERR_KEY)
    (asserts!
      (and (is-eq (len (get meter-id details)) u32) (is-eq (len (get location details)) u32))
      ERR_HASH
    )
    (asserts! (<= (get source details) SOURCE_MAX) ERR_SOURCE)
    (asserts! (or (is-eq valid-until u0) (> valid-until stacks-block-time))
      ERR_EXPIRED
    )
    (asserts!
      (map-insert references {
        owner: contract-caller,
        reference: reference,
      }
        device
      )
      ERR_KNOWN_REFERENCE
    )
    (map-insert devices device entry)
    (var-set device-count device)
    (print {
      topic: "device-registered",
      device: device,
      reference: reference,
      entry: entry,
    })
    (ok device)
  )
)

;; A verifier has checked the device, its key and its meter: it joins the registry.
(define-public (verify-asset (device uint))
  (let ((found (unwrap! (map-get? devices device) ERR_UNKNOWN_DEVICE)))
    (try! (assert-running))
    (asserts! (is-verifier) ERR_NOT_ALLOWED)
    (asserts! (is-eq (get status found) PENDING) ERR_NOT_PENDING)
    (asserts!
      (or
        (is-eq (get valid-until found) u0)
        (> (get valid-until found) stacks-block-time)
      )
      ERR_EXPIRED
    )
    (try! (take-key (get key found) device))
    (asserts! (map-insert meters-in-use (get meter-id found) device)
      ERR_METER_IN_USE
    )
    (map-set devices device (merge found { status: VERIFIED }))
    (bump)
    (print {
      topic: "asset-verified",
      device: device,
      by: contract-caller,
      revision: (var-get registry-revision),
    })
    (ok true)
  )
)

;; Ends a device for good: by a verifier, by its owner, or by anyone after its validity.
(define-public (revoke-asset (device uint))
  (let ((found (unwrap! (map-get? devices device) ERR_UNKNOWN_DEVICE)))
    (asserts!
      (or
        (is-eq contract-caller (get owner found))
        (is-expired (get valid-until found))
        (is-verifier)
      )
      ERR_NOT_ALLOWED
    )
    (asserts! (not (is-eq (get status found) REVOKED)) ERR_REVOKED)
    (leave-registry found)
    (map-set devices device (merge found { status: REVOKED }))
    (print {
      topic: "asset-revoked",
      device: device,
      by: contract-caller,
      revision: (var-get registry-revision),
    })
    (ok true)
  )
)

;; Replaces a meter key. A verifier's word keeps the device in the registry; an owner's
;; sends it back to be verified, since who sets the key can sign any reading.
(define-public (rotate-meter-key
    (device uint)
    (curve uint)
    (key (buff 33))
  )
  (let (
      (found (unwrap! (map-get? devices device) ERR_UNKNOWN_DEVICE))
      (by-verifier (is-verifier))
      (stays (and by-verifier (is-eq (get status found) VERIFIED)))
    )
    (asserts! (or by-verifier (is-eq contract-caller (get owner found)))
      ERR_NOT_ALLOWED
    )
    (asserts! (not (is-eq (get status found) REVOKED)) ERR_REVOKED)
    (asserts! (is-key (get kind found) curve key) ERR_KEY)
    (leave-registry found)
    (and stays (try! (take-key key device)))
    (and stays (map-insert meters-in-use (get meter-id found) device))
    (map-set devices device
      (merge found {
        curve: curve,
        key: key,
        status: (if stays
          VERIFIED
          PENDING
        ),
      })
    )
    (print {
      topic: "meter-key-rotated",
      device: device,
      curve: curve,
      key: key,
      by: contract-caller,
      verified: stays,
      revision: (var-get registry-revision),
    })
    (ok true)
  )
)

;; Hands a device to another registered user; its readings and its status stay.
(define-public (transfer-ownership
    (device uint)
    (to principal)
  )
  (let ((found (unwrap! (map-get? devices device) ERR_UNKNOWN_DEVICE)))
    (try! (assert-running))
    (asserts! (is-eq contract-caller (get owner found)) ERR_NOT_ALLOWED)
    (asserts! (not (is-eq (get status found) REVOKED)) ERR_REVOKED)
    (asserts! (not (is-eq to contract-caller)) ERR_SAME_OWNER)
    (asserts! (is-some (map-get? users to)) ERR_UNKNOWN_USER)
    (map-set devices device (merge found { owner: to }))
    (print {
      topic: "ownership-transferred",
      device: device,
      from: contract-caller,
      to: to,
    })
    (ok true)
  )
)

;;;; Private

(define-private (assert-running)
  (ok (asserts! (not (contract-call? .roles is-paused)) ERR_PAUSED))
)

(define-private (is-verifier)
  (contract-call? .roles has-role contract-caller VERIFIER)
)

(define-private (is-expired (valid-until uint))
  (and (> valid-until u0) (>= stacks-block-time valid-until))
)

;; A gateway signs batches with P-256; a meter has a key of its curve, or none.
(define-private (is-key
    (kind uint)
    (curve uint)
    (key (buff 33))
  )
  (and
    (or (is-eq kind METER) (is-eq curve SECP256R1))
    (if (is-eq curve NO_KEY)
      (is-eq key 0x)
      (if (is-eq curve ED25519)
        (is-eq (len key) u32)
        (and
          (or (is-eq curve SECP256R1) (is-eq curve SECP256K1))
          (is-eq (len key) u33)
          (is-some (index-of? (list 0x02 0x03) (unwrap! (element-at? key u0) false)))
        )
      )
    )
  )
)

(define-private (take-key
    (key (buff 33))
    (device uint)
  )
  (ok (asserts! (or (is-eq key 0x) (map-insert keys-in-use key device)) ERR_KEY_IN_USE))
)

;; Frees what a verified device held and tells nodes that the registry has changed; a
;; device that was not verified held nothing.
(define-private (leave-registry (found {
  owner: principal,
  description: (string-ascii 64),
  zone: uint,
  kind: uint,
  curve: uint,
  key: (buff 33),
  capacity-w: uint,
  meter-id: (buff 32),
  location: (buff 32),
  source: uint,
  status: uint,
  valid-until: uint,
}))
  (and
    (is-eq (get status found) VERIFIED)
    (begin
      (map-delete keys-in-use (get key found))
      (map-delete meters-in-use (get meter-id found))
      (bump)
    )
  )
)

(define-private (bump)
  (var-set registry-revision (+ (var-get registry-revision) u1))
)
