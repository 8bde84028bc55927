import asyncio
from collections.abc import AsyncIterator

import pytest

from consensus.encoding import Ok, Principal
from consensus.model import InvariantBroken
from oracle.chain.client import StacksClient
from oracle.chain.endpoint import ClientLimits
from oracle.chain.watcher import QUERIES_MAX, AnswerChanged, ChainAway, ChainHead, Observation, Query, Watcher
from tests.unit.chain.node import Node, running

CONTRACT = Principal(26, bytes(20), "registration")
REVISION = Query("revision", CONTRACT, "get-revision")
ATTESTED = Query("attested", CONTRACT, "is-attested", (900, 0))


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with running(Node()) as one:
        yield one


@pytest.fixture
async def client(node: Node) -> AsyncIterator[StacksClient]:
    async with StacksClient((node.url,), limits=ClientLimits(deadline_s=0.3, attempts=1)) as opened:
        yield opened


def changes(observed: tuple[Observation, ...]) -> list[tuple[str, object]]:
    """Name and new value of each change; None where there is no value."""
    return [
        (one.query.name, None if one.after is None else one.value)
        for one in observed
        if isinstance(one, AnswerChanged)
    ]


async def test_the_first_look_tells_the_head_and_every_answer(node: Node, client: StacksClient) -> None:
    node.reads = {"get-revision": Ok(3)}
    observed = await Watcher(client, (REVISION, ATTESTED)).poll()
    assert isinstance(observed[0], ChainHead)
    assert observed[0].info.height == 1
    assert changes(observed) == [("revision", Ok(3)), ("attested", None)]


async def test_only_what_changes_is_told(node: Node, client: StacksClient) -> None:
    node.reads = {"get-revision": Ok(3), "is-attested": False}
    watcher = Watcher(client, (REVISION, ATTESTED))
    await watcher.poll()
    assert await watcher.poll() == ()
    node.mine()
    assert changes(await watcher.poll()) == []
    node.reads["is-attested"] = True
    node.mine()
    (head, changed) = await watcher.poll()
    assert isinstance(head, ChainHead)
    assert isinstance(changed, AnswerChanged)
    assert (changed.before, changed.after, changed.height) == (b"\x04", b"\x03", 3)


async def test_nothing_is_asked_while_the_tip_stands_still(node: Node, client: StacksClient) -> None:
    node.reads = {"get-revision": 1}
    watcher = Watcher(client, (REVISION,))
    await watcher.poll()
    asked = node.read_requests
    await watcher.poll()
    assert node.read_requests == asked


async def test_a_reorganisation_takes_an_answer_back(node: Node, client: StacksClient) -> None:
    node.mine(2)
    node.reads = {"is-attested": True}
    watcher = Watcher(client, (ATTESTED,))
    await watcher.poll()
    node.lose_blocks(1)
    node.reads = {"is-attested": False}
    observed = await watcher.poll()
    assert isinstance(observed[0], ChainHead)
    assert changes(observed) == [("attested", False)]


async def test_an_absent_chain_is_told_once_and_its_return_with_what_changed(
    node: Node, client: StacksClient
) -> None:
    node.reads = {"get-revision": 1}
    watcher = Watcher(client, (REVISION,))
    await watcher.poll()
    node.away = True
    (away,) = await watcher.poll()
    assert isinstance(away, ChainAway)
    assert await watcher.poll() == ()
    node.away = False
    node.reads = {"get-revision": 2}
    observed = await watcher.poll()
    assert isinstance(observed[0], ChainHead)
    assert changes(observed) == [("revision", 2)]
    node.away = True
    assert isinstance((await watcher.poll())[0], ChainAway)


async def test_queries_come_and_go_while_it_watches(node: Node, client: StacksClient) -> None:
    node.reads = {"get-revision": 1, "is-attested": True}
    watcher = Watcher(client)
    await watcher.poll()
    watcher.watch(ATTESTED)
    assert changes(await watcher.poll()) == [("attested", True)]
    watcher.watch(Query("attested", CONTRACT, "get-revision"))
    assert changes(await watcher.poll()) == [("attested", 1)]
    watcher.forget("attested")
    node.mine()
    assert changes(await watcher.poll()) == []


async def test_it_can_be_iterated_over(node: Node, client: StacksClient) -> None:
    heights = []
    async with asyncio.timeout(5):
        async for one in Watcher(client, poll_s=0.01).observe():
            assert isinstance(one, ChainHead)
            heights.append(one.info.height)
            if len(heights) == 3:
                break
            node.mine()
    assert heights == [1, 2, 3]


async def test_there_is_a_limit_to_what_is_watched(client: StacksClient) -> None:
    watcher = Watcher(client, tuple(Query(str(number), CONTRACT, "f") for number in range(QUERIES_MAX)))
    with pytest.raises(InvariantBroken):
        watcher.watch(REVISION)
    watcher.watch(Query("1", CONTRACT, "g"))
