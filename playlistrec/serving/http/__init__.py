"""A fitted model behind a door: answers over HTTP, and the page that asks for them."""
