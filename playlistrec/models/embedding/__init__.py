"""The base of recommenders with vectors: embeddings, their initialisation, scores by dot product."""
