"""Named features: linear maps from latent vectors to scaled coordinates; no gRPC, no SQL."""
