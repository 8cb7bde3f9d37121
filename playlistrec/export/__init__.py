"""Taking a fitted model elsewhere: vectors, indices, an ONNX model and a graph that need nothing of this package."""
