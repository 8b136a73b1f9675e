"""Write the reference page of all commands from the registry: `python -m bot.commands.reference`."""

from pathlib import Path

from bot.commands.help import TYPED, explain
from bot.commands.parts import NOT_ADVICE
from bot.commands.registry import Registry
from bot.commands.spec import ALL_FRONTS, Command, Visibility

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
HEAD = f"""# What you can ask

The same commands work in the page's chat panel, in the terminal, and in every chat. Type them as
`/noun verb value name=value`, in any order that makes sense: `/heatmap btc 12h` and
`/heatmap window=12h symbol=btc` are the same. The slash, capitals, full-width characters and quotes do not
matter, and `$btc` alone is a heatmap.

- A market is understood however you write it: `btc`, `$btc`, `xbt`, `BTC-PERP`, `btc/usdt`.
- Dollars: `1.5k`, `10M`, `$2,000,000`. Lengths of time: `15m`, `4h`, `3d`, `1d12h`. Percentages: `1%`, `0.5`.
- `50M` is dollars and `50m` is minutes by what a parameter asks for; where both fit, you are asked. Every
  confirmation repeats in full what was understood.
- A typo is never guessed away: you are asked "did you mean", with a button that runs it.

{NOT_ADVICE}

This page is written by `python -m bot.commands.reference` from the commands themselves.
"""


def page(registry: Registry | None = None) -> str:
    """Return the reference page in Markdown."""
    known = registry or Registry()
    return "\n".join([HEAD, *(_section(command) for command in known.on())])


def _section(command: Command) -> str:
    lines = [f"## `{command.usage}`", "", f"{command.description}.", ""]
    if command.parameters:
        lines += ["| parameter | type | what it is |", "| --- | --- | --- |"]
        lines += [f"| `{p.name}` | {TYPED[p.kind]} | {_cell(explain(p))} |" for p in command.parameters]
        lines.append("")
    lines.append(f"- Examples: {', '.join(f'`{example}`' for example in command.examples)}")
    others = [f"`/{alias}`" for alias in command.aliases if alias != command.noun]
    if others:
        lines.append(f"- Also: {', '.join(others)}")
    lines += [f"- {line}" for line in _rules(command)]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rules(command: Command) -> list[str]:
    """Return who sees the answer, and where and when a command exists, where that is not the usual."""
    found = []
    if command.visibility is Visibility.SHAREABLE and command.parameter("share"):
        found.append("Where others read along, you alone see the answer unless you add `share`.")
    if command.fronts != ALL_FRONTS:
        found.append(f"Only in {' and '.join(sorted(front.value for front in command.fronts))}.")
    if command.replaying:
        found.append("Only while recorded data is replayed.")
    return found


def main() -> None:
    """Write the page to where the docs are."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
