"""Calls of our contracts, typed: a question with its answer's type, a call with what it gives.

Decides what a contract's refusal is called. The generated modules of `oracle.chain.suite`
make these; `StacksClient.ask` asks, `Outbox.call` sends. Nothing here does either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from consensus.encoding import Err, Ok, Principal, Value, decode
from oracle.chain.codec import ContractMisread, Reader
from oracle.chain.job import Abandoned, Job
from oracle.chain.post_conditions import PostCondition, PostConditionMode
from oracle.chain.refusal import TOKEN_ERRORS, ContractError
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.transaction import ContractCall

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ContractRefused(Exception):  # noqa: N818 - it states a fact
    """A call came to nothing; `error` is the contract's own reason, None where it gave none."""

    def __init__(self, text: str, error: ContractError | None = None) -> None:
        super().__init__(text)
        self.error = error


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a call may move. A wallet shows them; the chain rolls back what does not keep them."""

    mode: PostConditionMode = PostConditionMode.DENY
    conditions: tuple[PostCondition, ...] = ()


NOTHING_MOVES: Final = Conditions()
"""The default: no asset of anybody's leaves anybody in this call."""
ANYTHING_MOVES: Final = Conditions(PostConditionMode.ALLOW)


def only(*conditions: PostCondition) -> Conditions:
    """Just these transfers, and no others."""
    return Conditions(PostConditionMode.DENY, conditions)


@dataclass(frozen=True, slots=True)
class ReadCall(Generic[T_co]):
    """A read-only call; `read` makes the answer what the interface says."""

    contract: Principal
    function: str
    arguments: tuple[Value, ...]
    read: Reader[T_co]


@dataclass(frozen=True, slots=True)
class PublicCall(Generic[T_co]):
    """A call that changes something; a success gives what `read` reads."""

    payload: ContractCall
    read: Reader[T_co]
    post: Conditions = NOTHING_MOVES

    def outcome(self, job: Job) -> T_co:
        """What the call of a mined job has given. Raises ContractRefused with the reason."""
        if job.succeeded and job.result_bytes is not None:
            return responded(self.read)(decode(job.result_bytes))
        raise ContractRefused(why(job), refusal(job))


def responded(read: Reader[T]) -> Reader[T]:
    """Reads a response: what is in `ok`; ContractRefused for an `err`."""

    def read_response(value: Value) -> T:
        match value:
            case Ok(inner):
                return read(inner)
            case Err(int(code)):
                error = named(code)
                raise ContractRefused(str(error), error)
            case Err(inner):
                raise ContractRefused(f"the contract answers (err {inner!r})")
        raise ContractMisread("the contract answers no response, where one was to come")

    return read_response


def named(code: int) -> ContractError:
    """The suite's error of a number, or a token's; one without a name where none of ours has it."""
    unknown = ContractError("", "", code, "none of our contracts has this error")
    return BY_CODE.get(code) or TOKEN_ERRORS.get(code) or unknown


def refusal(job: Job) -> ContractError | None:
    """The error that a job's call ended with; None where it did not end with a number."""
    if job.succeeded or job.result_bytes is None:
        return None
    match decode(job.result_bytes):
        case Err(bool()):
            return None
        case Err(int(code)):
            return named(code)
    return None


def why(job: Job) -> str:
    """Why a job came to nothing, for whoever has to do something about it."""
    if job.abandoned is Abandoned.UNNECESSARY:
        return "somebody else had done it"
    if job.refusal is not None:
        return f"no node takes the call: {job.refusal.value}"
    error = refusal(job)
    if error is not None:
        return f"the contract refuses it: {error}"
    return f"the call was rolled back in block {job.height}: a post-condition, or an error of the VM"
