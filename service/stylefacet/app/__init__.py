"""Use cases over inference, catalogue, features and search; knows neither gRPC nor protobuf."""
