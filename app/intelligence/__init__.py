"""Analysis of incidents by language models: what is asked, of whom, and what may be made of the answer."""
