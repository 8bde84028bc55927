"""A plan keeps its ports over restarts: nobody else may come by them meanwhile."""

from __future__ import annotations

from deploy.demo.plan import PORT_END, PORT_MIN, free_port


def test_a_plan_s_ports_are_none_that_the_system_gives_to_outgoing_connections() -> None:
    ports = [free_port() for _ in range(200)]
    assert all(PORT_MIN <= port < PORT_END for port in ports)
    assert len(set(ports)) > 100, "each is drawn anew"
