"""Say which dialogue goes with which command; every other is asked for what it lacks."""

from bot.commands.flows.alert_add import ADD
from bot.commands.flows.alert_edit import EDIT
from bot.commands.flows.fill import FILL
from bot.commands.flows.spec import Flow

FLOWS = {flow.name: flow for flow in (ADD, EDIT)}


def flow_of(command: str) -> Flow:
    """Return the dialogue of a command."""
    return FLOWS.get(command, FILL)
