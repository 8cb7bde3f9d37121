"""Files in, a :class:`~playlistrec.corpus.corpus.Corpus` and a :class:`~playlistrec.corpus.split.Split` out."""
