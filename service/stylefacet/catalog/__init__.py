"""The catalogue: products, images, embeddings and features in SQL; knows no gRPC, ONNX or FAISS."""
