"""Let people use Liqwatch in Telegram: long polling, commands, buttons, groups and topics."""
