"""How models fold a playlist in, written as ONNX operators: one file a family."""
