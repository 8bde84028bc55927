"""Every error of the suite, by its number.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oracle.chain.refusal import ContractError

BY_CODE: Final[Mapping[int, ContractError]] = {
    100: ContractError("roles", "ERR_NOT_ALLOWED", 100, ("The caller holds no role that allows this.")),
    101: ContractError("roles", "ERR_ALREADY_HELD", 101, ("The principal already holds the role.")),
    102: ContractError("roles", "ERR_NOT_HELD", 102, ("The principal does not hold the role.")),
    103: ContractError("roles", "ERR_LAST_GOVERNOR", 103, ("The last governor cannot be removed.")),
    104: ContractError("roles", "ERR_ROLE_NAME", 104, ("A role has a name.")),
    105: ContractError("roles", "ERR_NO_TRANSFER", 105, ("No transfer of governance waits for this caller.")),
    106: ContractError("roles", "ERR_PAUSED", 106, ("Already paused.")),
    107: ContractError("roles", "ERR_NOT_PAUSED", 107, ("Not paused.")),
    200: ContractError(
        "registration", "ERR_NOT_ALLOWED", 200, ("The caller is neither a verifier nor the owner.")
    ),
    201: ContractError("registration", "ERR_PAUSED", 201, ("Registration waits until the pause is over.")),
    202: ContractError("registration", "ERR_KNOWN_USER", 202, ("The principal is registered already.")),
    203: ContractError("registration", "ERR_UNKNOWN_USER", 203, ("The principal is not registered.")),
    204: ContractError("registration", "ERR_KIND", 204, ("No such kind of user or of device.")),
    205: ContractError("registration", "ERR_SOURCE", 205, ("No such source of energy.")),
    206: ContractError("registration", "ERR_HASH", 206, ("A hash has 32 bytes.")),
    207: ContractError(
        "registration", "ERR_CAPACITY", 207, ("A meter's capacity is above 0 and at most 10 GW.")
    ),
    208: ContractError(
        "registration", "ERR_KEY", 208, ("The key does not fit the curve, or a gateway lacks its P-256 key.")
    ),
    209: ContractError(
        "registration", "ERR_KNOWN_REFERENCE", 209, ("The owner has a device with this reference.")
    ),
    210: ContractError("registration", "ERR_UNKNOWN_DEVICE", 210, ("No device has this id.")),
    211: ContractError(
        "registration", "ERR_NOT_PENDING", 211, ("The device is not waiting for verification.")
    ),
    212: ContractError("registration", "ERR_REVOKED", 212, ("The device was revoked.")),
    213: ContractError("registration", "ERR_KEY_IN_USE", 213, ("A verified device has this key.")),
    214: ContractError("registration", "ERR_METER_IN_USE", 214, ("A verified device has this meter id.")),
    215: ContractError("registration", "ERR_EXPIRED", 215, ("The validity lies in the past.")),
    216: ContractError("registration", "ERR_SAME_OWNER", 216, ("The new owner is the old one.")),
    217: ContractError("registration", "ERR_TEXT", 217, ("A name or description is not empty.")),
    300: ContractError("oracle-staking", "ERR_NOT_GOVERNOR", 300, ("The caller is not a governor.")),
    301: ContractError("oracle-staking", "ERR_NOT_OWNER", 301, ("The caller does not own this operator.")),
    302: ContractError(
        "oracle-staking", "ERR_NOT_DISPUTE", 302, ('The caller does not hold the role "dispute".')
    ),
    303: ContractError(
        "oracle-staking", "ERR_PAUSED", 303, ("New operators and new stake wait until the pause is over.")
    ),
    304: ContractError("oracle-staking", "ERR_INITIALISED", 304, ("The window length is set already.")),
    305: ContractError("oracle-staking", "ERR_NOT_INITIALISED", 305, ("The window length is not set yet.")),
    306: ContractError(
        "oracle-staking",
        "ERR_WINDOW_LENGTH",
        306,
        ("A window is at least a second and at most a day long, and divides the day."),
    ),
    307: ContractError("oracle-staking", "ERR_UNKNOWN_OPERATOR", 307, ("No operator has this id.")),
    308: ContractError(
        "oracle-staking", "ERR_KEY_USED", 308, ("The key belongs, or once belonged, to an operator.")
    ),
    309: ContractError(
        "oracle-staking", "ERR_KEY_PROOF", 309, ("The proof is not the node key's signature for this owner.")
    ),
    310: ContractError(
        "oracle-staking", "ERR_AMOUNT", 310, ("Zero is no amount, and nobody is no offender.")
    ),
    311: ContractError("oracle-staking", "ERR_STAKE_TOO_SMALL", 311, ("The stake is smaller than that.")),
    312: ContractError(
        "oracle-staking",
        "ERR_IN_COMMITTEE",
        312,
        ("A member of the current or the proposed epoch keeps its minimum stake."),
    ),
    313: ContractError("oracle-staking", "ERR_NOTHING_UNBONDING", 313, ("Nothing is being unstaked.")),
    314: ContractError("oracle-staking", "ERR_STILL_UNBONDING", 314, ("The unbonding delay is not over.")),
    315: ContractError("oracle-staking", "ERR_TRANSFER", 315, ("The STX could not be moved.")),
    316: ContractError("oracle-staking", "ERR_COMMITTEE_SIZE", 316, ("A committee has 4 to 31 members.")),
    317: ContractError(
        "oracle-staking", "ERR_DUPLICATE_OPERATOR", 317, ("An operator stands twice in the committee.")
    ),
    318: ContractError("oracle-staking", "ERR_NO_PROPOSAL", 318, ("No epoch is proposed.")),
    319: ContractError(
        "oracle-staking",
        "ERR_GROUP_KEY",
        319,
        ("The group key is not the one the network was born with, or not 96 bytes."),
    ),
    320: ContractError(
        "oracle-staking",
        "ERR_WINDOW_UNALIGNED",
        320,
        ("An epoch's first window starts at a multiple of the window length."),
    ),
    321: ContractError(
        "oracle-staking",
        "ERR_BOUNTY",
        321,
        ("A share of a bond, and a bounty of what is slashed, is at most the whole."),
    ),
    322: ContractError(
        "oracle-staking", "ERR_NOT_OF_EPOCH", 322, ("The attestation is missing, or of another epoch.")
    ),
    323: ContractError("oracle-staking", "ERR_COUNTED", 323, ("This attestation is counted already.")),
    324: ContractError(
        "oracle-staking",
        "ERR_ENCODING",
        324,
        ("A value has no consensus bytes; no argument of these types can cause it."),
    ),
    325: ContractError(
        "oracle-staking", "ERR_BARRED", 325, ("A slashed operator is in no committee until it is reinstated.")
    ),
    326: ContractError("oracle-staking", "ERR_NOT_BARRED", 326, ("The operator is not barred.")),
    327: ContractError("oracle-staking", "ERR_HELD", 327, ("The bond waits for the end of a challenge.")),
    400: ContractError("production-oracle", "ERR_NOT_STAKING", 400, ("The caller is not oracle-staking.")),
    401: ContractError(
        "production-oracle", "ERR_UNKNOWN_EPOCH", 401, ("No epoch of this number was ever in force.")
    ),
    402: ContractError(
        "production-oracle",
        "ERR_EPOCH_CLOSED",
        402,
        ("The epoch is neither the current one nor the previous one within its grace."),
    ),
    403: ContractError(
        "production-oracle",
        "ERR_WINDOW_UNALIGNED",
        403,
        ("A window starts at a multiple of the window length."),
    ),
    404: ContractError(
        "production-oracle",
        "ERR_SIGNATURE_SLOTS",
        404,
        ("The list of signatures has not one slot for each member."),
    ),
    405: ContractError(
        "production-oracle", "ERR_NO_QUORUM", 405, ("Fewer members than a quorum have signed this.")
    ),
    406: ContractError(
        "production-oracle", "ERR_ALREADY_ATTESTED", 406, ("This revision of the window is attested already.")
    ),
    407: ContractError(
        "production-oracle",
        "ERR_REVISION_GAP",
        407,
        ("The revision before this one is not attested, or there are too many."),
    ),
    408: ContractError("production-oracle", "ERR_NOT_ATTESTED", 408, ("No such attestation.")),
    409: ContractError(
        "production-oracle", "ERR_VOID", 409, ("The window was attested as void: it has no zones.")
    ),
    410: ContractError(
        "production-oracle", "ERR_OTHER_WINDOW", 410, ("The zone summary is of another window.")
    ),
    411: ContractError(
        "production-oracle",
        "ERR_NOT_PROVEN",
        411,
        ("The proof does not lead from the zone summary to the attested root."),
    ),
    412: ContractError("production-oracle", "ERR_ALREADY_OPEN", 412, ("The zone is open already.")),
    413: ContractError(
        "production-oracle", "ERR_EPOCH_ORDER", 413, ("Epochs are installed once each, in order.")
    ),
    414: ContractError(
        "production-oracle",
        "ERR_ENCODING",
        414,
        ("A value has no consensus bytes; no argument of these types can cause it."),
    ),
    500: ContractError(
        "dispute-resolution",
        "ERR_ENCODING",
        500,
        ("A value has no consensus bytes; no argument of these types can cause it."),
    ),
    501: ContractError("dispute-resolution", "ERR_NO_NETWORK", 501, ("No epoch is in force.")),
    502: ContractError(
        "dispute-resolution", "ERR_SIGNATURE", 502, ("These are no 65 bytes that a key has signed.")
    ),
    503: ContractError("dispute-resolution", "ERR_OTHER_KEY", 503, ("The two votes are of two keys.")),
    504: ContractError("dispute-resolution", "ERR_SAME_VOTE", 504, ("The two votes say the same.")),
    505: ContractError(
        "dispute-resolution", "ERR_NOT_OPERATOR", 505, ("No operator has this id, or has or had this key.")
    ),
    506: ContractError("dispute-resolution", "ERR_JUDGED", 506, ("This offence is punished already.")),
    507: ContractError("dispute-resolution", "ERR_NOT_ATTESTED", 507, ("No such attestation, or a void.")),
    508: ContractError(
        "dispute-resolution", "ERR_TOO_LATE", 508, ("The attestation can be disputed no more.")
    ),
    509: ContractError(
        "dispute-resolution", "ERR_ZONE_CLOSED", 509, ("The zone is not open in production-oracle.")
    ),
    510: ContractError(
        "dispute-resolution",
        "ERR_NOT_PROVEN",
        510,
        ("The proof does not lead from the leaf to the zone's root."),
    ),
    511: ContractError(
        "dispute-resolution",
        "ERR_RESTATED",
        511,
        ("A restatement carries on the leaves of others: leaves are judged in revision 0."),
    ),
    512: ContractError(
        "dispute-resolution", "ERR_OTHER_RECORD", 512, ("These bytes are not the record that the leaf names.")
    ),
    513: ContractError(
        "dispute-resolution",
        "ERR_UNSUPPORTED",
        513,
        ("The record says something that is not understood here beyond doubt."),
    ),
    514: ContractError("dispute-resolution", "ERR_NOT_FALSE", 514, ("The evidence shows nothing false.")),
    515: ContractError(
        "dispute-resolution", "ERR_SINCE", 515, ("The leaf at `since` is missing, or is another one.")
    ),
    516: ContractError(
        "dispute-resolution", "ERR_ZONES", 516, ("These are not all zones of the window, ascending by id.")
    ),
    517: ContractError(
        "dispute-resolution",
        "ERR_TALLY",
        517,
        ("No leaves, or more than the zone has; or not all are counted yet."),
    ),
    518: ContractError("dispute-resolution", "ERR_GROUND", 518, ("There is no such ground for a challenge.")),
    519: ContractError("dispute-resolution", "ERR_EVIDENCE", 519, ("Evidence is named by its sha256.")),
    520: ContractError("dispute-resolution", "ERR_KNOWN", 520, ("This challenge was opened before.")),
    521: ContractError("dispute-resolution", "ERR_TRANSFER", 521, ("The STX could not be moved.")),
    522: ContractError("dispute-resolution", "ERR_UNKNOWN_CHALLENGE", 522, ("No challenge has this id.")),
    523: ContractError(
        "dispute-resolution",
        "ERR_NOT_VOTER",
        523,
        ("The caller owns no member that may vote, or nobody does."),
    ),
    524: ContractError("dispute-resolution", "ERR_VOTED", 524, ("An owner votes once.")),
    525: ContractError("dispute-resolution", "ERR_VOTING_OVER", 525, ("The deadline is over.")),
    526: ContractError(
        "dispute-resolution",
        "ERR_VOTING_OPEN",
        526,
        ("Neither is there a majority nor is the deadline over."),
    ),
    527: ContractError("dispute-resolution", "ERR_RESOLVED", 527, ("The challenge is resolved.")),
    600: ContractError(
        "verification-engine",
        "ERR_ENCODING",
        600,
        ("A value has no consensus bytes; no argument of these types can cause it."),
    ),
    601: ContractError("verification-engine", "ERR_NOT_ATTESTED", 601, ("No such attestation.")),
    602: ContractError(
        "verification-engine", "ERR_RESTATED", 602, ("A newer revision of the window is attested.")
    ),
    603: ContractError(
        "verification-engine", "ERR_JUDGED", 603, ("A dispute has shown that the attestation is false.")
    ),
    604: ContractError(
        "verification-engine",
        "ERR_ZONE_CLOSED",
        604,
        ("The zone is not open in production-oracle, or the window is void."),
    ),
    605: ContractError(
        "verification-engine",
        "ERR_NOT_PROVEN",
        605,
        ("The proof does not lead from the leaf to the zone's root."),
    ),
    606: ContractError(
        "verification-engine", "ERR_UNKNOWN_DEVICE", 606, ("The usage point is no registered device.")
    ),
    607: ContractError("verification-engine", "ERR_REVOKED", 607, ("The device was revoked.")),
    608: ContractError(
        "verification-engine",
        "ERR_NOT_VERIFIED",
        608,
        ("The device waits for verification, or was not valid in this window."),
    ),
    609: ContractError(
        "verification-engine",
        "ERR_OTHER_RECORD",
        609,
        ("These bytes are not the record that the leaf names."),
    ),
    620: ContractError(
        "energy-token", "ERR_NOT_ALLOWED", 620, ("The caller may neither mint nor burn this.")
    ),
    621: ContractError("energy-token", "ERR_PAUSED", 621, ("Minting waits until the pause is over.")),
    622: ContractError(
        "energy-token",
        "ERR_AMOUNT",
        622,
        ("Nothing is minted or burned, or more is minted than any proof is of."),
    ),
    623: ContractError("energy-token", "ERR_BALANCE", 623, ("The holder has less.")),
    640: ContractError("reward-token", "ERR_NOT_ALLOWED", 640, ("The caller may not do this.")),
    641: ContractError("reward-token", "ERR_PAUSED", 641, ("Minting waits until the pause is over.")),
    642: ContractError("reward-token", "ERR_AMOUNT", 642, ("Nothing is minted, burned, locked or unlocked.")),
    643: ContractError("reward-token", "ERR_CAP", 643, ("There would be more than the cap.")),
    644: ContractError("reward-token", "ERR_BALANCE", 644, ("The holder has less.")),
    645: ContractError("reward-token", "ERR_LOCKED", 645, ("Less is locked.")),
    646: ContractError("reward-token", "ERR_HELD", 646, ("A vote holds the lock.")),
    647: ContractError("reward-token", "ERR_HOLD", 647, ("A lock is not held this long.")),
    660: ContractError(
        "energy-production-tracking",
        "ERR_NOT_PRODUCER",
        660,
        ("The device's owner has not registered as a producer."),
    ),
    661: ContractError(
        "energy-production-tracking", "ERR_NO_SOURCE", 661, ("The device is no source of energy.")
    ),
    662: ContractError(
        "energy-production-tracking",
        "ERR_RECORDED",
        662,
        ("This revision of the leaf, or a newer one, is recorded."),
    ),
    663: ContractError("energy-production-tracking", "ERR_ENERGY", 663, ("No meter counts so far.")),
    664: ContractError(
        "energy-production-tracking", "ERR_UNKNOWN_DEVICE", 664, ("Nothing is recorded of this device.")
    ),
    665: ContractError(
        "energy-production-tracking", "ERR_SCHEDULED", 665, ("Maintenance is scheduled already.")
    ),
    666: ContractError(
        "energy-production-tracking", "ERR_NOT_DUE", 666, ("The output asks for no maintenance.")
    ),
    667: ContractError(
        "energy-production-tracking", "ERR_NOT_OWNER", 667, ("The caller does not own the device.")
    ),
    668: ContractError(
        "energy-production-tracking", "ERR_NOT_SCHEDULED", 668, ("No maintenance is scheduled.")
    ),
    669: ContractError(
        "energy-production-tracking",
        "ERR_OVERLAP",
        669,
        ("A recorded leaf counts some of the time of this one."),
    ),
    670: ContractError(
        "energy-production-tracking",
        "ERR_PLACE",
        670,
        ("The leaf's place is not near enough to the newest leaf, or to the one that was named."),
    ),
    700: ContractError(
        "consumption-monitoring",
        "ERR_ENCODING",
        700,
        ("A value has no consensus bytes; no argument of these types can cause it."),
    ),
    701: ContractError("consumption-monitoring", "ERR_UNKNOWN_DEVICE", 701, ("No device has this id.")),
    702: ContractError(
        "consumption-monitoring", "ERR_NOT_OWNER", 702, ("The caller does not own the device, or the home.")
    ),
    703: ContractError("consumption-monitoring", "ERR_CATEGORY", 703, ("There is no such category.")),
    704: ContractError("consumption-monitoring", "ERR_HASH", 704, ("A hash has 32 bytes.")),
    705: ContractError(
        "consumption-monitoring", "ERR_KNOWN", 705, ("The owner has registered this consumer.")
    ),
    706: ContractError(
        "consumption-monitoring",
        "ERR_NOT_REGISTERED",
        706,
        ("The device's owner has not registered it as a consumer."),
    ),
    707: ContractError(
        "consumption-monitoring",
        "ERR_RECORDED",
        707,
        ("This revision of the leaf, or any if it is shown anew, is recorded."),
    ),
    708: ContractError(
        "consumption-monitoring",
        "ERR_NOT_RECORDED",
        708,
        ("The leaf is not recorded, so nothing of it can be restated."),
    ),
    709: ContractError(
        "consumption-monitoring", "ERR_OTHER_LEAF", 709, ("This is not the leaf that was recorded.")
    ),
    710: ContractError("consumption-monitoring", "ERR_ENERGY", 710, ("No meter counts so far.")),
    711: ContractError("consumption-monitoring", "ERR_NOT_GOVERNOR", 711, ("The caller does not govern.")),
    712: ContractError(
        "consumption-monitoring", "ERR_TIMES", 712, ("The times of use are 24, of three kinds.")
    ),
    713: ContractError("consumption-monitoring", "ERR_ZONE_MIN", 713, ("The zone has too few meters.")),
    714: ContractError(
        "consumption-monitoring", "ERR_COMMITTED", 714, ("There is a commitment to this day.")
    ),
    715: ContractError(
        "consumption-monitoring", "ERR_NOT_COMMITTED", 715, ("There is no commitment to this day.")
    ),
    716: ContractError(
        "consumption-monitoring",
        "ERR_COMMITMENT",
        716,
        ("The leaves and the salt are not what was committed to."),
    ),
    717: ContractError(
        "consumption-monitoring",
        "ERR_LEAVES",
        717,
        ("The leaves are not of this consumer and day, or not ascending."),
    ),
    720: ContractError("aggregation", "ERR_PAUSED", 720, ("Nobody creates or joins during a pause.")),
    721: ContractError("aggregation", "ERR_UNKNOWN_USER", 721, ("The caller is not registered.")),
    722: ContractError("aggregation", "ERR_TEXT", 722, ("A name is not empty.")),
    723: ContractError("aggregation", "ERR_UNKNOWN_VPP", 723, ("No VPP has this id.")),
    724: ContractError("aggregation", "ERR_UNKNOWN_ASSET", 724, ("No device has this id.")),
    725: ContractError(
        "aggregation",
        "ERR_NOT_OWNER",
        725,
        ("The caller neither owns the asset nor may decide for its owner."),
    ),
    726: ContractError("aggregation", "ERR_NOT_CONNECTED", 726, ("The asset is not connected to the grid.")),
    727: ContractError("aggregation", "ERR_IN_VPP", 727, ("The asset is in a VPP.")),
    728: ContractError(
        "aggregation", "ERR_NOT_MEMBER", 728, ("The asset was not a member of this VPP in this window.")
    ),
    729: ContractError("aggregation", "ERR_AWAY", 729, ("The asset left this VPP not long enough ago.")),
    730: ContractError("aggregation", "ERR_NOT_OPERATOR", 730, ("The caller does not operate the VPP.")),
    731: ContractError(
        "aggregation", "ERR_WINDOW", 731, ("A forecast is of a whole window that has not begun.")
    ),
    732: ContractError("aggregation", "ERR_FORECAST", 732, ("More than the capacity of the VPP puts out.")),
    733: ContractError("aggregation", "ERR_KNOWN_FORECAST", 733, ("The window has a forecast.")),
    734: ContractError("aggregation", "ERR_NO_FORECAST", 734, ("The window has no forecast.")),
    735: ContractError("aggregation", "ERR_TOO_EARLY", 735, ("Output is still being proven.")),
    736: ContractError("aggregation", "ERR_NOT_ATTESTED", 736, ("The window is not attested, or void.")),
    737: ContractError("aggregation", "ERR_SCORED", 737, ("The forecast is scored.")),
    738: ContractError("aggregation", "ERR_EMPTY", 738, ("There is no leaf in the list.")),
    739: ContractError(
        "aggregation", "ERR_COUNTED", 739, ("This leaf, or a newer revision of it, is counted already.")
    ),
    740: ContractError("aggregation", "ERR_OTHER_WINDOW", 740, ("The leaf is of another window.")),
    741: ContractError(
        "aggregation", "ERR_GAP", 741, ("The leaf follows a gap: it tells energy of earlier windows too.")
    ),
    760: ContractError("marketplace", "ERR_PAUSED", 760, ("Nothing is begun during a pause.")),
    761: ContractError("marketplace", "ERR_UNKNOWN_ASSET", 761, ("No device or VPP has this id.")),
    762: ContractError(
        "marketplace",
        "ERR_NOT_SELLER",
        762,
        ("The caller neither owns the asset nor operates the VPP, or the seller does so no more."),
    ),
    763: ContractError(
        "marketplace",
        "ERR_NOT_CONNECTED",
        763,
        ("The asset is not connected and verified, or its zone is in an emergency."),
    ),
    764: ContractError("marketplace", "ERR_KIND", 764, ("No such kind of offer, of asset, or of energy.")),
    765: ContractError("marketplace", "ERR_CURRENCY", 765, ("No such currency, or ENERGY sold for ENERGY.")),
    766: ContractError(
        "marketplace", "ERR_ENERGY", 766, ("More energy than there is, less than the least part, or none.")
    ),
    767: ContractError(
        "marketplace", "ERR_PRICE", 767, ("A price is above 0 and at most a million STX for a kWh.")
    ),
    768: ContractError(
        "marketplace", "ERR_DELIVERY", 768, ("The windows are not ahead, not whole, too many, or overlap.")
    ),
    769: ContractError(
        "marketplace", "ERR_CAPACITY", 769, ("The asset cannot feed in that much in these windows.")
    ),
    770: ContractError("marketplace", "ERR_UNKNOWN_OFFER", 770, ("No offer has this id.")),
    771: ContractError("marketplace", "ERR_NOT_PENDING", 771, ("The offer is not open any more.")),
    772: ContractError("marketplace", "ERR_SELF_TRADE", 772, ("Nobody trades with oneself.")),
    773: ContractError(
        "marketplace", "ERR_NOT_BUYER", 773, ("The offer is to somebody else, or to nobody in particular.")
    ),
    774: ContractError("marketplace", "ERR_TRANSFER", 774, ("The money could not be moved.")),
    775: ContractError("marketplace", "ERR_PREFERENCE", 775, ("The buyer's own preferences rule this out.")),
    776: ContractError("marketplace", "ERR_UNKNOWN_AUCTION", 776, ("No auction has this id.")),
    777: ContractError(
        "marketplace", "ERR_AUCTION_CLOSED", 777, ("The auction takes no more bids, or is cleared.")
    ),
    778: ContractError("marketplace", "ERR_AUCTION_OPEN", 778, ("The auction still takes bids.")),
    779: ContractError(
        "marketplace",
        "ERR_LOW_BID",
        779,
        ("The price is below the reserve, or not above the lowest bid of a full list."),
    ),
    780: ContractError("marketplace", "ERR_UNKNOWN_TRADE", 780, ("No trade has this id.")),
    781: ContractError("marketplace", "ERR_NOT_SETTLEMENT", 781, ("The caller is not payment-settlement.")),
    782: ContractError(
        "marketplace",
        "ERR_RELEASED",
        782,
        ("The trade was released already, or not yet; payment-settlement, who alone calls, knows."),
    ),
    783: ContractError("marketplace", "ERR_UNKNOWN_GROUP", 783, ("No group has this id.")),
    784: ContractError(
        "marketplace",
        "ERR_GROUP_CLOSED",
        784,
        ("The group has bought, or its deadline is over or beyond the offer's."),
    ),
    785: ContractError("marketplace", "ERR_PLEDGED", 785, ("The caller is in the group already.")),
    786: ContractError("marketplace", "ERR_NO_PLEDGE", 786, ("The caller has pledged nothing here.")),
    787: ContractError("marketplace", "ERR_GROUP_FULL", 787, ("The group is full.")),
    788: ContractError(
        "marketplace", "ERR_GROUP_SMALL", 788, ("The group does not take the offer's least part yet.")
    ),
    789: ContractError("marketplace", "ERR_AMOUNT", 789, ("An amount is above 0 and at most what there is.")),
    790: ContractError(
        "marketplace", "ERR_NOT_AUTOMATIC", 790, ("The buyer has not asked to be matched in this currency.")
    ),
    820: ContractError(
        "payment-settlement",
        "ERR_UNKNOWN_TRADE",
        820,
        ("No trade has this id: no payment without an accepted offer."),
    ),
    821: ContractError(
        "payment-settlement", "ERR_SETTLED", 821, ("The trade is settled; what is restated now is a true-up.")
    ),
    822: ContractError("payment-settlement", "ERR_NOT_SETTLED", 822, ("The trade is not settled.")),
    823: ContractError(
        "payment-settlement",
        "ERR_OTHER_WINDOW",
        823,
        ("The leaf is of a window that the trade does not deliver in."),
    ),
    824: ContractError(
        "payment-settlement",
        "ERR_OTHER_ASSET",
        824,
        ("The leaf is of an asset that the trade does not deliver from."),
    ),
    825: ContractError(
        "payment-settlement",
        "ERR_GAP",
        825,
        ("The leaf follows a gap: it tells energy from before the delivery too, or of too long."),
    ),
    826: ContractError(
        "payment-settlement",
        "ERR_COUNTED",
        826,
        ("This leaf, or a newer revision of it, is counted already."),
    ),
    827: ContractError(
        "payment-settlement", "ERR_NOT_DUE", 827, ("Windows are missing, and there is time to prove them.")
    ),
    828: ContractError("payment-settlement", "ERR_FINAL", 828, ("The trade is final.")),
    829: ContractError("payment-settlement", "ERR_NOT_FINAL", 829, ("The trade can still be trued up.")),
    830: ContractError("payment-settlement", "ERR_NOT_PARTY", 830, ("The caller is no party of the trade.")),
    831: ContractError(
        "payment-settlement", "ERR_CLAIMED", 831, ("The caller has claimed, or waived, already.")
    ),
    832: ContractError(
        "payment-settlement",
        "ERR_TRANSFER",
        832,
        ("The money could not be moved; what is held covers every claim, so nothing causes it."),
    ),
    833: ContractError(
        "payment-settlement", "ERR_NOT_GOVERNOR", 833, ("Only a governor sends fees to the treasury.")
    ),
    834: ContractError(
        "payment-settlement", "ERR_AMOUNT", 834, ("An amount is above 0 and at most the fees that there are.")
    ),
    835: ContractError("payment-settlement", "ERR_NOT_VOID", 835, ("The window was not attested as void.")),
    836: ContractError("payment-settlement", "ERR_EMPTY", 836, ("There is nothing in the list.")),
    837: ContractError(
        "payment-settlement",
        "ERR_TIME_COUNTED",
        837,
        ("Another leaf of the asset tells some of this time's energy, and is counted."),
    ),
    860: ContractError("grid-management", "ERR_NOT_GOVERNOR", 860, ("Only a governor authorises operators.")),
    861: ContractError(
        "grid-management",
        "ERR_NOT_OPERATOR",
        861,
        ("The caller is no authorised operator, nor another who may do this."),
    ),
    862: ContractError("grid-management", "ERR_PAUSED", 862, ("Nothing is connected during a pause.")),
    863: ContractError("grid-management", "ERR_SAME", 863, ("The operator has this authorisation already.")),
    864: ContractError("grid-management", "ERR_UNKNOWN_ASSET", 864, ("No device has this id.")),
    865: ContractError("grid-management", "ERR_NOT_VERIFIED", 865, ("The asset is not verified.")),
    866: ContractError("grid-management", "ERR_CONNECTED", 866, ("The asset is connected already.")),
    867: ContractError("grid-management", "ERR_NOT_CONNECTED", 867, ("The asset is not connected.")),
    868: ContractError(
        "grid-management", "ERR_LIMIT", 868, ("A limit is above 0 and not above the asset's capacity.")
    ),
    869: ContractError(
        "grid-management",
        "ERR_ZONE_LIMIT",
        869,
        ("The zone's connection to the main grid has no room for this."),
    ),
    870: ContractError(
        "grid-management", "ERR_MEASUREMENT", 870, ("A measurement or nominal value is above 0 and possible.")
    ),
    871: ContractError(
        "grid-management", "ERR_PROTOCOL", 871, ("No such protocol, or it is in force already.")
    ),
    872: ContractError("grid-management", "ERR_EMERGENCY", 872, ("The zone's emergency is not over.")),
    873: ContractError("grid-management", "ERR_ISLAND", 873, ("The zone is in that mode already.")),
    874: ContractError("grid-management", "ERR_NOT_STORAGE", 874, ("The asset is no storage.")),
    875: ContractError("grid-management", "ERR_KIND", 875, ("No such direction or kind.")),
    876: ContractError(
        "grid-management",
        "ERR_WINDOWS",
        876,
        ("Windows start at a multiple of the window length, ahead of now, one to a week."),
    ),
    877: ContractError(
        "grid-management", "ERR_POWER", 877, ("A power is above 0 and within the connection's limit.")
    ),
    878: ContractError("grid-management", "ERR_UNKNOWN_ORDER", 878, ("No order has this id.")),
    879: ContractError(
        "grid-management", "ERR_OTHER_LEAF", 879, ("The leaf is not of this order's asset and windows.")
    ),
    880: ContractError(
        "grid-management", "ERR_COUNTED", 880, ("This leaf, or a newer revision of it, is counted already.")
    ),
    881: ContractError(
        "grid-management",
        "ERR_GAP",
        881,
        ("The leaf follows a gap: it tells energy of earlier windows too, which late data may tell."),
    ),
    900: ContractError(
        "event-manager", "ERR_PAUSED", 900, ("New events and funds wait until the pause is over.")
    ),
    901: ContractError(
        "event-manager", "ERR_NOT_UTILITY", 901, ('The caller does not hold the role "utility".')
    ),
    902: ContractError(
        "event-manager", "ERR_NO_NETWORK", 902, ("No network is in force, so there are no windows.")
    ),
    903: ContractError(
        "event-manager",
        "ERR_WINDOWS",
        903,
        ("An event starts and ends at multiples of the window length, and lasts at most a day."),
    ),
    904: ContractError(
        "event-manager",
        "ERR_NOTICE",
        904,
        ("An event is announced before its adjustment hours, at most 30 days ahead."),
    ),
    905: ContractError("event-manager", "ERR_TARGET", 905, ("An event has a target and a programme.")),
    906: ContractError(
        "event-manager",
        "ERR_BASELINE",
        906,
        ("The baseline has too few days or too many, or no whole window fits its adjustment."),
    ),
    907: ContractError("event-manager", "ERR_UNKNOWN_EVENT", 907, ("No event has this id.")),
    908: ContractError(
        "event-manager", "ERR_STATUS", 908, ("The event is not in the status that this takes.")
    ),
    909: ContractError("event-manager", "ERR_AMOUNT", 909, ("Zero is no amount.")),
    910: ContractError("event-manager", "ERR_TRANSFER", 910, ("The STX or WATT could not be moved.")),
    911: ContractError("event-manager", "ERR_TOO_EARLY", 911, ("It is too early for that.")),
    912: ContractError(
        "event-manager", "ERR_NO_POOL", 912, ("An event that nobody has funded does not start.")
    ),
    913: ContractError(
        "event-manager",
        "ERR_NOT_CANCELLABLE",
        913,
        ("The caller is not the operator of this event, or the event can be cancelled no more."),
    ),
    914: ContractError(
        "event-manager", "ERR_NOT_DISTRIBUTOR", 914, ("The caller is not reward-distributor.")
    ),
    915: ContractError("event-manager", "ERR_NO_REFUND", 915, ("The caller has nothing to get back.")),
    920: ContractError("commitment", "ERR_PAUSED", 920, ("New commitments wait until the pause is over.")),
    921: ContractError("commitment", "ERR_UNKNOWN_EVENT", 921, ("No event has this id.")),
    922: ContractError("commitment", "ERR_CLOSED", 922, ("Commitments to this event are closed.")),
    923: ContractError(
        "commitment",
        "ERR_NOT_VERIFIED",
        923,
        ("The device is no meter that is verified now and until the event's end."),
    ),
    924: ContractError("commitment", "ERR_NOT_OWNER", 924, ("The caller is not the owner.")),
    925: ContractError("commitment", "ERR_OTHER_ZONE", 925, ("The event is for another zone.")),
    926: ContractError(
        "commitment",
        "ERR_COMMITTED_WH",
        926,
        ("A commitment is above 0 and at most what the device can carry in that time."),
    ),
    927: ContractError("commitment", "ERR_STAKE", 927, ("The stake is smaller than the event's terms ask.")),
    928: ContractError(
        "commitment", "ERR_DAY_TAKEN", 928, ("The device is committed to an event of that day.")
    ),
    929: ContractError(
        "commitment", "ERR_BASELINE", 929, ("Events have taken so many days that no baseline is left.")
    ),
    930: ContractError("commitment", "ERR_TRANSFER", 930, ("The STX could not be moved.")),
    931: ContractError(
        "commitment", "ERR_UNKNOWN_COMMITMENT", 931, ("The device is not committed to this event.")
    ),
    932: ContractError("commitment", "ERR_NO_READINGS", 932, ("No readings are given.")),
    933: ContractError(
        "commitment", "ERR_NOT_NOW", 933, ("The event is not over, or the time to verify is.")
    ),
    934: ContractError("commitment", "ERR_JUDGED", 934, ("The commitment is judged already.")),
    935: ContractError(
        "commitment",
        "ERR_SPAN",
        935,
        ("The readings do not cover the event, or cover more and it is not the owner who asks."),
    ),
    936: ContractError("commitment", "ERR_NOT_RECORDED", 936, ("A reading that this takes is not recorded.")),
    937: ContractError(
        "commitment", "ERR_QUALITY", 937, ("A reading of the event is estimated or questionable.")
    ),
    938: ContractError(
        "commitment", "ERR_REGISTER", 938, ("The register went back: the meter was exchanged or rolled over.")
    ),
    939: ContractError("commitment", "ERR_NO_EXCUSE", 939, ("Nothing excuses the commitment.")),
    940: ContractError("commitment", "ERR_NOT_DISTRIBUTOR", 940, ("The caller is not reward-distributor.")),
    941: ContractError("commitment", "ERR_SETTLED", 941, ("The commitment is settled already.")),
    950: ContractError("reward-distributor", "ERR_UNKNOWN_EVENT", 950, ("No event has this id.")),
    951: ContractError(
        "reward-distributor",
        "ERR_TOO_EARLY",
        951,
        ("Commitments wait to be judged, and there is time left for it."),
    ),
    952: ContractError("reward-distributor", "ERR_NOT_DISTRIBUTED", 952, ("The event is not distributed.")),
    1000: ContractError(
        "carbon-offset-integration",
        "ERR_PAUSED",
        1000,
        ("Registration and issue wait until the pause is over."),
    ),
    1001: ContractError(
        "carbon-offset-integration",
        "ERR_NOT_OWNER",
        1001,
        ("The caller does not own the device, or is no registered producer."),
    ),
    1002: ContractError(
        "carbon-offset-integration",
        "ERR_NOT_CLEAN",
        1002,
        ("The device is no verified meter of a clean source."),
    ),
    1003: ContractError(
        "carbon-offset-integration",
        "ERR_ATTRIBUTES",
        1003,
        ("A country has 2 letters, a technology a name, and there are three configurations."),
    ),
    1004: ContractError(
        "carbon-offset-integration", "ERR_REGISTERED", 1004, ("The caller has registered this device.")
    ),
    1005: ContractError(
        "carbon-offset-integration",
        "ERR_NOT_REGISTERED",
        1005,
        ("The device's owner has not registered it here."),
    ),
    1006: ContractError(
        "carbon-offset-integration",
        "ERR_ENERGY",
        1006,
        ("The leaf has no exported energy, or more than any meter counts."),
    ),
    1007: ContractError(
        "carbon-offset-integration",
        "ERR_INTERVAL",
        1007,
        ("The energy is of more than an hour or twelve windows, or of no time."),
    ),
    1008: ContractError(
        "carbon-offset-integration",
        "ERR_QUALITY",
        1008,
        ("Estimated and questionable energy is not certified."),
    ),
    1009: ContractError(
        "carbon-offset-integration",
        "ERR_ISSUED",
        1009,
        ("This revision of the leaf, or a newer one, is certified."),
    ),
    1010: ContractError(
        "carbon-offset-integration",
        "ERR_CLAIM",
        1010,
        ("A claim has a purpose, and evidence that is named by its sha256."),
    ),
    1011: ContractError(
        "carbon-offset-integration",
        "ERR_RECIPIENT",
        1011,
        ("This contract takes none: nobody could get them out again."),
    ),
    1012: ContractError(
        "carbon-offset-integration",
        "ERR_OVERLAP",
        1012,
        ("A certificate is of some of the time of this leaf."),
    ),
    1050: ContractError(
        "governance", "ERR_PAUSED", 1050, ("Proposals and execution wait until the pause is over.")
    ),
    1051: ContractError(
        "governance", "ERR_THRESHOLD", 1051, ("The caller has had fewer tokens locked than a proposal takes.")
    ),
    1052: ContractError("governance", "ERR_NO_CHANGES", 1052, ("A proposal changes something.")),
    1053: ContractError("governance", "ERR_UNKNOWN_PARAMETER", 1053, ("No parameter has this name.")),
    1054: ContractError(
        "governance", "ERR_BOUNDS", 1054, ("The value is outside of the parameter's bounds.")
    ),
    1055: ContractError("governance", "ERR_REASON", 1055, ("A reason is named by its sha256.")),
    1056: ContractError("governance", "ERR_UNKNOWN_PROPOSAL", 1056, ("No proposal has this id.")),
    1057: ContractError(
        "governance", "ERR_NOT_VOTING", 1057, ("The proposal is not voted on, or not any more.")
    ),
    1058: ContractError("governance", "ERR_VOTED", 1058, ("A holder votes once.")),
    1059: ContractError(
        "governance",
        "ERR_NO_WEIGHT",
        1059,
        ("The caller has locked no tokens, or some only since the proposal."),
    ),
    1060: ContractError(
        "governance", "ERR_NOT_PASSED", 1060, ("The proposal did not pass, or is queued already.")
    ),
    1061: ContractError("governance", "ERR_NOT_QUEUED", 1061, ("The proposal is not queued.")),
    1062: ContractError("governance", "ERR_TIMELOCK", 1062, ("The timelock is not over.")),
    1063: ContractError("governance", "ERR_EXPIRED", 1063, ("The proposal was not executed in time.")),
    1064: ContractError("governance", "ERR_NOT_GOVERNOR", 1064, ("The caller is not a governor.")),
    1065: ContractError(
        "governance",
        "ERR_CLOSED",
        1065,
        ("The proposal is executed, vetoed or rejected: there is nothing to stop."),
    ),
}
