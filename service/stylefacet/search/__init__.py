"""Exact weighted search over feature coordinates with FAISS; knows no gRPC and no SQL."""
