"""The gRPC server, the only place where server-side gRPC code lives."""
