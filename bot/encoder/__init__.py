"""Text to vectors: the one Transformer that understanding, policies and retrieval share."""
