"""
msgflash-apply: campaigns as code for MsgFlash.

Files say what should be sent, the state says what was sent, a pure function compares them, and one careful loop closes
the gap, writing down every step before it takes it.

    campaigns/*.yaml -- files --> desired state
    backend -- state.reading --> previous state -- plan.refresh, of what a first decision would touch --> prior state
    (desired, prior, now) -- plan.decide --> Plan -- plan.preflight --> report
    Plan -- apply.loop, per change --> journal intent, POST, classify, journal outcome, event to the command line
    end of run -- state.ledger --> journal folded into a new snapshot, compare-and-swap on the serial

Two doors lead to what matters: `api.client` to the people, `state.backends` to the record. Each package's docstring
says what is in it and which module to read first; `errors`, `findings` and `campaign` are the words that all of them
share. `ARCHITECTURE.md` tells the whole in two pages.
"""

__version__ = "0.1.0"
