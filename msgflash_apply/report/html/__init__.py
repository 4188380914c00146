"""The page of a plan: one self-contained HTML file. Read `page.py` first. Template, style, script: `../templates`."""
