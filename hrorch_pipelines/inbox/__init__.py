"""The inbox: what systems tell us by themselves (webhooks). A message is a hint to look, never the truth."""
