"""
What people do besides `plan` and `apply`: resolve a doubt, import a campaign, look at status, drift and calendar.

One module per command. May import `plan` and `apply` and what lies below.
"""
