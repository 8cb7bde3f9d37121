"""From a Corpus to a DGL heterograph, to message-passing kernels, negatives and batches."""
