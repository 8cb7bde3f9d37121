"""A fitted model answering: recommendations, filters, explanations, batches."""
