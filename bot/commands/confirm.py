"""Ask before something is gone for good: a question with a button that does it and one that does not."""

from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.spec import Kind, Parameter
from bot.lang import N_, _

SURE = Parameter(
    name="sure",
    kind=Kind.BOOL,
    description=N_("Do it without asking first: for scripts"),
    default=False,
    named=True,
)


def question(command: str, title: str, told: str, *, yes: tuple[str, str], keep: str) -> Reply:
    """Return the question; `yes` is the label and action that does it, `keep` the action that leads back."""
    return Reply(
        command=command,
        title=title,
        text=told,
        buttons=rows(
            [
                Button(label=yes[0], action=yes[1], style="danger"),
                Button(label=_("Keep"), action=keep),
            ]
        ),
        tone=Tone.WARN,
    )
