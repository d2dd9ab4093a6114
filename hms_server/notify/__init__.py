"""Mail: rooms ask for it in their own transactions (`outbox.queue`), workers send it (`post.Post`).

A kind of mail is one entry of kinds.py: its text, what it may know, and who is told. Nothing of a patient is
ever in a mail: it names ids, and leads to where one signs in.
"""
