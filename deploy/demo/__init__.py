"""The main job on one machine: a devnet, a broker, four operators' nodes and meters."""
