import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import coincurve
import pytest

from consensus.encoding import Ok, Principal, Some, Value
from consensus.model import InvariantBroken, Rejected
from oracle.chain.address import TESTNET, address_of
from oracle.chain.answers import Accepted, ChainInfo, RejectReason, TransactionState
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.endpoint import ChainDisagrees, ChainUnavailable, ClientLimits
from oracle.chain.panel import reached
from oracle.chain.transaction import TokenTransfer, serialise, sign, txid_of, unsigned
from tests.unit.chain.node import Node, as_json, running

KEY = coincurve.PrivateKey(b"\x01" * 32)
OWNER = address_of(KEY.public_key, TESTNET)
CONTRACT = Principal(26, bytes(20), "registration")
LIMITS = ClientLimits(deadline_s=0.5, attempts=2, wait_s=0.01, response_bytes_max=10_000)

Nodes = tuple[Node, Node, Node]


def transfer(nonce: int = 0, fee_ustx: int = 200) -> bytes:
    payload = TokenTransfer(Principal(26, bytes(20)), 1)
    return serialise(sign(unsigned(TESTNET, KEY.public_key, payload, nonce=nonce, fee_ustx=fee_ustx), KEY))


@pytest.fixture
async def nodes() -> AsyncIterator[Nodes]:
    async with AsyncExitStack() as stack:
        three = (Node(), Node(), Node())
        for node in three:
            await stack.enter_async_context(running(node))
        yield three


@pytest.fixture
async def client(nodes: Nodes) -> AsyncIterator[StacksClient]:
    async with StacksClient(tuple(node.url for node in nodes), agree=2, limits=LIMITS) as opened:
        yield opened


async def test_two_equal_answers_settle_a_read(nodes: Nodes, client: StacksClient) -> None:
    for node, revision in zip(nodes, (5, 4, 5), strict=True):
        node.reads["get-revision"] = Ok(revision)
    assert await client.call_read_only(CONTRACT, "get-revision", (1, "text", b"\0")) == Ok(5)


async def test_one_lying_endpoint_of_three_is_outvoted_on_every_read(
    nodes: Nodes, client: StacksClient
) -> None:
    for node in nodes:
        node.reads |= {"f": Some(1), "total": 10, "map": Some({"a": 1})}
    nodes[0].reads = {"f": Some(2), "total": 11, "map": None}
    nodes[0].foreign = {0}
    assert await client.call_read_only(CONTRACT, "f") == Some(1)
    assert await client.data_var(CONTRACT, "total") == 10
    assert await client.map_entry(CONTRACT, "map", {"k": 1}) == Some({"a": 1})
    assert (await client.account(OWNER)).nonce == 0


async def test_true_and_one_are_different_answers(nodes: Nodes, client: StacksClient) -> None:
    answers: tuple[Value, ...] = (True, 1, False)
    for node, answer in zip(nodes, answers, strict=True):
        node.reads["f"] = answer
    with pytest.raises(ChainDisagrees):
        await client.call_read_only(CONTRACT, "f")


async def test_three_different_answers_are_no_answer(nodes: Nodes, client: StacksClient) -> None:
    for number, node in enumerate(nodes):
        node.reads["f"] = number
    with pytest.raises(ChainDisagrees, match="3 answers, fewer than 2 alike"):
        await client.call_read_only(CONTRACT, "f")


async def test_one_dead_and_one_hanging_endpoint_leave_too_few(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].away = True
    nodes[1].hang = True
    with pytest.raises(ChainUnavailable, match="1 of 2 answers"):
        await client.info()


async def test_a_hanging_endpoint_does_not_hold_up_two_that_agree(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].hang = True
    async with asyncio.timeout(0.4):
        assert (await client.info()).height == 1


async def test_a_passing_failure_is_tried_again(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].away = nodes[1].away = True

    async def recover() -> None:
        await asyncio.sleep(0.005)
        nodes[0].away = False

    async with asyncio.TaskGroup() as group:
        group.create_task(recover())
        assert (await client.info()).chain_id == TESTNET.chain_id


async def test_the_head_is_one_that_two_have_reached(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].mine(50)
    nodes[1].mine(3)
    nodes[2].away = True
    assert (await client.info()).height == 4


def test_endpoints_of_two_chains_do_not_agree_on_a_head() -> None:
    one, other = (ChainInfo(chain_id=chain, height=9, tip="aa", burn_height=1) for chain in (1, 2))
    assert reached((one, one), 2, True) == (one,)
    assert reached((one, other), 2, True) is None


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"nonsense",
        b"[1]",
        b"null",
        b'{"nonce": -1, "balance": "0x00"}',
        b'{"nonce": true, "balance": "0x00"}',
        b'{"nonce": 1.5, "balance": "0x00"}',
        b'{"nonce": 1, "balance": "zz"}',
        b'{"nonce": 1, "balance": 5}',
        b'{"nonce": 9' + b"9" * 5000 + b', "balance": "0x00"}',
        b"[" * 9_000,
        b" " * 20_000 + b'{"nonce": 1, "balance": "0x00", "locked": "0x00"}',
    ],
)
async def test_nonsense_is_an_endpoint_that_failed(
    nodes: Nodes, client: StacksClient, nonsense: bytes
) -> None:
    nodes[0].raw_answer = nodes[1].raw_answer = nonsense
    with pytest.raises(ChainUnavailable):
        await client.account(OWNER)


async def test_an_answer_that_is_too_long_is_cut_off_by_name(nodes: Nodes, client: StacksClient) -> None:
    for node in nodes:
        node.raw_answer = b"x" * 50_000
    with pytest.raises(ChainUnavailable, match="longer than 10000 bytes"):
        await client.info()


async def test_a_result_that_is_no_clarity_value_is_refused(nodes: Nodes, client: StacksClient) -> None:
    for node in nodes:
        node.raw_answer = as_json({"okay": True, "result": "0xff"})
    with pytest.raises(ChainUnavailable, match="Clarity"):
        await client.call_read_only(CONTRACT, "f")


async def test_a_function_that_is_not_there_is_told_from_an_absent_chain(client: StacksClient) -> None:
    with pytest.raises(CallRefused, match="UndefinedFunction"):
        await client.call_read_only(CONTRACT, "f")
    with pytest.raises(CallRefused, match="not found"):
        await client.data_var(CONTRACT, "v")
    with pytest.raises(CallRefused, match="not found"):
        await client.map_entry(CONTRACT, "m", 1)
    assert await client.contract_source(CONTRACT) is None


async def test_a_function_name_with_a_question_mark_reaches_its_function(
    nodes: Nodes, client: StacksClient
) -> None:
    for node in nodes:
        node.reads["is-open?"] = True
    assert await client.call_read_only(CONTRACT, "is-open?") is True


async def test_a_broadcast_goes_to_every_endpoint_and_needs_one(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].away = True
    nodes[1].refuse = {"reason": "NotEnoughFunds"}
    raw = transfer()
    assert await client.broadcast(raw) == Accepted(txid_of(raw))
    assert nodes[2].received == [raw]


async def test_a_refusal_needs_two_endpoints(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].away = True
    nodes[1].refuse = nodes[2].refuse = {"reason": "NotEnoughFunds", "reason_data": {"actual": "0x00"}}
    refused = await client.broadcast(transfer())
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.NOT_ENOUGH_FUNDS
    nodes[1].away = True
    with pytest.raises(ChainUnavailable):
        await client.broadcast(transfer())


async def test_a_refusal_in_new_words_keeps_the_words(nodes: Nodes, client: StacksClient) -> None:
    for node in nodes:
        node.refuse = {"reason": "TooModern", "reason_data": {"because": "epoch 9"}}
    refused = await client.broadcast(transfer())
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.UNKNOWN
    assert "TooModern" in refused.detail
    assert "epoch 9" in refused.detail


async def test_a_nodes_own_failure_is_no_refusal(nodes: Nodes, client: StacksClient) -> None:
    for node in nodes:
        node.refuse = {"reason": "ServerFailureDatabase"}
    with pytest.raises(ChainUnavailable, match="ServerFailureDatabase"):
        await client.broadcast(transfer())


async def test_an_endpoint_that_answers_with_another_id_is_not_believed(
    nodes: Nodes, client: StacksClient
) -> None:
    for node in nodes:
        node.raw_answer = as_json("00" * 32)
    with pytest.raises(ChainUnavailable, match="another transaction"):
        await client.broadcast(transfer())


async def test_a_transaction_is_mined_when_two_say_so(nodes: Nodes, client: StacksClient) -> None:
    raw = transfer()
    assert (await client.transaction_status(txid_of(raw))).state is TransactionState.UNKNOWN
    await client.broadcast(raw)
    for node in nodes:
        node.mempool[0] = raw
    assert (await client.transaction_status(txid_of(raw))).state is TransactionState.PENDING
    nodes[0].mine()
    assert (await client.transaction_status(txid_of(raw))).state is TransactionState.PENDING
    nodes[1].mine()
    found = await client.transaction_status(txid_of(raw))
    assert (found.state, found.height, found.result) == (TransactionState.SUCCESS, 2, Ok(True))


async def test_one_dear_endpoint_does_not_set_the_fee(nodes: Nodes, client: StacksClient) -> None:
    nodes[0].estimates = (10**9, 10**9, 10**9)
    for _ in range(5):
        assert (await client.fee_estimate(TokenTransfer(OWNER, 1))).middle_ustx == 400


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: StacksClient((), 1),
        lambda: StacksClient(("http://a",), 2),
        lambda: StacksClient(("http://a",), 0),
        lambda: StacksClient(("http://a", "http://a"), 2),
        lambda: StacksClient(tuple(f"http://{i}" for i in range(9)), 2),
    ],
)
def test_a_panel_that_cannot_agree_is_our_mistake(misuse: Callable[[], object]) -> None:
    with pytest.raises(InvariantBroken):
        misuse()


async def test_a_closed_client_is_our_mistake() -> None:
    with pytest.raises(InvariantBroken):
        await StacksClient(("http://127.0.0.1:1",)).info()


async def test_an_address_that_nobody_serves_is_an_absent_chain() -> None:
    async with StacksClient(("http://127.0.0.1:1",), limits=LIMITS) as client:
        with pytest.raises(ChainUnavailable):
            await client.info()
