"""Many nodes, one seed: the production machines over a simulated world.

Twins stand only where the world is: clock, network, disk and signer. The frames that
cross the network are the real bytes and every signature is real. Same seed, same run,
to the last byte, whatever PYTHONHASHSEED says.
"""
