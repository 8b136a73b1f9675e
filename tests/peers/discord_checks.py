"""What Discord refuses of a message or a command: limits and forms, as its API pages give them."""

import re

NAME = re.compile(r"[-_a-z0-9]{1,32}")
ID = re.compile(r"v1:[^:]+:[^:]+.*")
COMPONENT_ROW, BUTTON = 1, 2
LINK_STYLE = 5


class Refused(Exception):
    """Answer with an error as Discord does."""

    def __init__(self, status, code, message, headers=None, body=None):
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"code": code, "message": message} if body is None else body


def invalid(what):
    """Return the error for a form that is wrong."""
    return Refused(400, 50035, f"Invalid Form Body: {what}")


def need(condition, what):
    if not condition:
        raise invalid(what)


def message(payload, files, *, new=True):
    """Check a message; `new` needs something to show."""
    called = dict(payload.get("allowed_mentions") or {})
    roles = called.pop("roles", [])
    need(called == {"parse": []}, "somebody may be pinged")
    need(all(f"<@&{role}>" in (payload.get("content") or "") for role in roles), "a role is called silently")
    need(len(payload.get("content") or "") <= 2000, "content is too long")
    embeds = payload.get("embeds") or []
    need(len(embeds) <= 10, "too many embeds")
    total = 0
    for embed in embeds:
        need(len(embed.get("title", "")) <= 256, "title is too long")
        need(len(embed.get("description", "")) <= 4096, "description is too long")
        need(len(embed.get("fields", [])) <= 25, "too many fields")
        need(len(embed.get("footer", {}).get("text", "")) <= 2048, "footer is too long")
        total += sum(len(embed.get(k, "")) for k in ("title", "description"))
        total += len(embed.get("footer", {}).get("text", ""))
        need(embed.get("title") or embed.get("description") or embed.get("image"), "an embed is empty")
        url = embed.get("image", {}).get("url", "")
        if url.startswith("attachment://"):
            need(url.removeprefix("attachment://") in {n for n, _ in files}, f"{url} is not attached")
    need(total <= 6000, "embeds are too long")
    components(payload.get("components") or [])
    attachments(payload.get("attachments") or [], files)
    if new:
        need(payload.get("content") or embeds or files, "the message is empty")
    if "nonce" in payload:
        need(1 <= len(str(payload["nonce"])) <= 25, "nonce is too long")
        need(payload.get("enforce_nonce") is True, "the nonce is not enforced")


def components(rows):
    need(len(rows) <= 5, "too many rows")
    seen = set()
    for row in rows:
        need(row["type"] == COMPONENT_ROW and 1 <= len(row["components"]) <= 5, "a row is too wide or empty")
        for button in row["components"]:
            need(button["type"] == BUTTON, "not a button")
            need(1 <= len(button.get("label") or "") <= 80, "a label is empty or too long")
            if button["style"] == LINK_STYLE:
                need(re.match(r"https?://", button["url"]) and "custom_id" not in button, "a link is wrong")
                continue
            custom = button["custom_id"]
            need(1 <= len(custom) <= 100 and custom not in seen, "a custom_id is too long or there twice")
            need(ID.fullmatch(custom), f"{custom} is not of our grammar")
            seen.add(custom)


def attachments(told, files):
    need(len(told) == len(files), "attachments and files do not fit")
    for each in told:
        need(len(each.get("description") or "") <= 1024, "an alt text is too long")
    need(sum(len(content) for _, content in files) <= 25 << 20, "the request is too large")


def commands(payload):
    """Check what the bot says its commands are."""
    need(len(payload) <= 100, "too many commands")
    names = [command["name"] for command in payload]
    need(len(set(names)) == len(names), "a command is there twice")
    for command in payload:
        need(sorted(command["integration_types"]) == [0, 1], "not installable for servers and people")
        need(sorted(command["contexts"]) == [0, 1, 2], "not everywhere")
        _command(command)


def _command(command):
    need(NAME.fullmatch(command["name"]), f"the name {command['name']!r}")
    need(1 <= len(command["description"]) <= 100, f"the description of {command['name']}")
    options = command.get("options", [])
    need(len(options) <= 25, f"{command['name']} has too many options")
    needed = [bool(option.get("required")) for option in options]
    need(needed == sorted(needed, reverse=True), f"{command['name']}: required options come first")
    for option in options:
        if option["type"] in (1, 2):
            _command(option)
            continue
        need(NAME.fullmatch(option["name"]), f"the option {option['name']!r}")
        need(1 <= len(option["description"]) <= 100, f"the description of {option['name']}")
        choices = option.get("choices", [])
        need(len(choices) <= 25, f"{option['name']} has too many choices")
        need(not (choices and option.get("autocomplete")), f"{option['name']} has choices and suggestions")


LABEL, SELECT, INPUT = 18, 3, 4


def modal(payload):
    """Check a form that is shown."""
    need(1 <= len(payload["title"]) <= 45, "a title is empty or too long")
    need(ID.fullmatch(payload["custom_id"]) and len(payload["custom_id"]) <= 100, "custom_id of a modal")
    parts = payload["components"]
    need(1 <= len(parts) <= 5, "a modal has one to five components")
    names = [part["component"]["custom_id"] for part in parts]
    need(len(set(names)) == len(names), "a field is there twice")
    for part in parts:
        need(part["type"] == LABEL and 1 <= len(part["label"]) <= 45, "a label is empty or too long")
        need(len(part.get("description") or "") <= 100, "a description is too long")
        _control(part["component"])


def _control(control):
    need(1 <= len(control["custom_id"]) <= 100, "a custom_id is too long")
    if control["type"] == INPUT:
        need(control["style"] in (1, 2), "a style of text")
        need(len(control.get("value") or "") <= control.get("max_length", 4000) <= 4000, "a text is too long")
        need("label" not in control or control["label"] is None, "a label inside a label")
        return
    need(control["type"] == SELECT, "neither a text nor a choice")
    options = control["options"]
    need(1 <= len(options) <= 25, "no choices, or too many")
    need(len({o["value"] for o in options}) == len(options), "a choice is there twice")
    for option in options:
        need(1 <= len(option["label"]) <= 100 and 1 <= len(option["value"]) <= 100, "a choice is too long")
    need(sum(bool(o.get("default")) for o in options) <= 1, "several choices are made")
