"""msgflash-apply: campaigns as code for MsgFlash."""

__version__ = "0.1.0"
