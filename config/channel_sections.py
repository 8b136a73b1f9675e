"""Hold the settings of channels that are no chat: e-mail, webhooks, apprise, and what they have in common."""

from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from config.fields import Hint, Section, setting
from config.kinds import HTTP_ADDRESS, Secret, Text, TextList, lower

SHORTEST_KEY = 32
LOCAL = ("localhost", "127.0.0.1", "::1")


class MailSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ip_network(value)) for value in values)


def _keys(value: SecretStr | None) -> SecretStr | None:
    if value is not None and any(len(key) < SHORTEST_KEY for key in split_keys(value)):
        raise ValueError("names a key that is too short")
    return value


def split_keys(value: SecretStr | None) -> list[str]:
    """Return the keys that a text names, split by commas."""
    text = value.get_secret_value() if value is not None else ""
    return [key.strip() for key in text.split(",") if key.strip()]


NetworkList = Annotated[TextList, AfterValidator(_networks)]
OldKeys = Annotated[Secret, AfterValidator(_keys)]
MailSecurityChoice = Annotated[MailSecurity, BeforeValidator(lower)]


class ChannelSettings(Section):
    """What channels with addresses of users' own have in common."""

    old_secret_keys: OldKeys = setting(
        None,
        "former LIQWATCH_SECRET_KEYs, which still open what they sealed",
        Hint("keys of at least 32 characters, split by commas", "(your former key)", env="OLD_SECRET_KEYS"),
    )
    private_networks: NetworkList = setting(
        (),
        "networks of your own that webhooks and apprise may call; empty: public addresses alone",
        Hint("networks split by commas", "10.20.0.0/16,fd00:1::/64", env="PRIVATE_NETWORKS"),
    )

    @property
    def old_keys(self) -> tuple[SecretStr, ...]:
        """Return the former keys one by one."""
        return tuple(SecretStr(key) for key in split_keys(self.old_secret_keys))


class EmailSettings(Section):
    """E-mail: a mail server, or SendGrid, and who mails are from."""

    host: Text = setting(
        None,
        "mail server that takes alerts for e-mail; empty sends none",
        Hint("a host name", "smtp.example.org"),
        pattern=r"^[A-Za-z0-9.:_-]+$",
    )
    port: int = setting(
        587,
        "port of the mail server: 587 with starttls, 465 with tls",
        Hint("a whole number from 1 to 65535", "587"),
        ge=1,
        le=65_535,
    )
    security: MailSecurityChoice = setting(
        MailSecurity.STARTTLS,
        "how the connection to the mail server is protected",
        Hint("starttls, tls or none", "starttls"),
    )
    user: Text = setting(None, "login of the mail server; empty logs in nowhere", Hint("a name", "alerts"))
    password: Secret = setting(None, "password of the mail server", Hint("the password", "(your password)"))
    sendgrid_key: Secret = setting(
        None,
        "key of SendGrid, which then takes mails instead of a mail server",
        Hint("a key that may send mail", "(your key)", env="SENDGRID_KEY"),
    )
    sendgrid_url: str = setting(
        "https://api.sendgrid.com",
        "where SendGrid's API is; https://api.eu.sendgrid.com for an account in the EU",
        Hint("an http or https address", "https://api.sendgrid.com", env="SENDGRID_URL"),
        pattern=HTTP_ADDRESS,
    )
    sender: Text = setting(
        None,
        "who mails are from",
        Hint("a name and an address", "Liqwatch <alerts@example.org>", env="EMAIL_FROM"),
        pattern=r"^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$",
    )
    to: Text = setting(
        None,
        "address that the destination `house` of e-mail stands for",
        Hint("an e-mail address", "me@example.org", env="EMAIL_TO"),
        pattern=r"^[^<>@\s,;]+@[^<>@\s,;]+$",
    )
    per_minute: int = setting(
        60,
        "mails a minute, as your mail server allows",
        Hint("a whole number from 6 to 6000", "60"),
        ge=6,
        le=6000,
    )

    @property
    def is_on(self) -> bool:
        """Say whether there is anything that takes mails."""
        return self.host is not None or self.sendgrid_key is not None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_on and self.sender is None:
            raise ValueError("wants to know who mails are from: LIQWATCH_EMAIL_FROM=alerts@example.org")
        if (self.user is None) != (self.password is None):
            raise ValueError("wants LIQWATCH_EMAIL_USER and LIQWATCH_EMAIL_PASSWORD together, or neither")
        if self.user and self.security is MailSecurity.NONE and self.host not in LOCAL:
            raise ValueError(
                "wants LIQWATCH_EMAIL_SECURITY=starttls or tls with a password: none sends it readable"
            )
        return self


class WebhookSettings(Section):
    """The operator's own webhook."""

    url: Secret = setting(
        None,
        "address that the destination `house` of webhooks stands for",
        Hint("an http or https address", "https://hooks.example.org/liqwatch"),
    )
    secret: Secret = setting(
        None,
        "secret that requests to it are signed with",
        Hint("whsec_ and 24 to 64 bytes in base64", "(your secret)"),
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.url is None) != (self.secret is None):
            raise ValueError("wants LIQWATCH_WEBHOOK_URL and LIQWATCH_WEBHOOK_SECRET together, or neither")
        return self


class AppriseSettings(Section):
    """Services that only apprise knows (make apprise)."""

    url: Secret = setting(
        None,
        "address in apprise's form that the destination `house` of apprise stands for",
        Hint("an address that apprise understands", "ntfys://ntfy.example.org/alerts"),
    )
