"""What every recommender of vectors shares: embeddings, their first values, scores by dot product."""
