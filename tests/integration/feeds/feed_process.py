"""A feed in a process of its own, to be killed: `feed_process.py PORT FOLDER CLIENT_ID`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from oracle.feeds.mqtt import MqttFeed, MqttSettings
from tests.integration.feeds.street import house, roster, until


async def main(port: int, folder: Path, client_id: str) -> None:
    async with house(folder) as here, asyncio.TaskGroup() as group:
        settings = MqttSettings("127.0.0.1", client_id, port, availability_topic="wattest/availability")
        feed = MqttFeed(settings, roster(), here.intake)
        group.create_task(feed.run())
        await until(lambda: feed.health.connections > 0, "connected")
        print(json.dumps({"ready": True}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
