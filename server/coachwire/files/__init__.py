"""Files that people send: cleaned in processes of their own, kept, and deleted when nothing refers to them."""
