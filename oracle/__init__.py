"""The oracle service: meters in, attestations out."""
