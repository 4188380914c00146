"""
The commands besides `plan` and `apply`: resolve a doubt, import a campaign, show status, drift and calendar.

One module per command; each is read by itself. May import `plan` and `apply` and what lies below.
"""
