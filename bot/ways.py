"""Build the channels that are no chat from the settings: e-mail, webhooks, apprise; and say which are off."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bot.commands.services import Missing
from bot.delivery import apprise, email, webhook
from bot.delivery.addresses import Address, Addresses, HouseAddresses, OwnAddresses
from bot.delivery.channel import Channel
from bot.delivery.guard import Dialler, Networks, parse
from bot.delivery.links import Links
from bot.delivery.own import Own
from bot.delivery.trouble import Trouble
from bot.supervisor import PartHealth, PartState
from config.settings import Settings
from engine.errors import ConfigError, UserError
from storage.channels import KINDS, seal_anew
from storage.sealed import Sealer
from storage.state import StateStore

T = TypeVar("T")


class Way(Channel, Protocol):
    """Be a channel that holds connections, and says what keeps it from sending."""

    def trouble(self) -> Trouble:
        """Return what keeps it from sending."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The channels that are on, and how to end them."""

    channels: tuple[Way, ...]
    since_s: float = field(default_factory=time.time)

    def health(self) -> list[PartHealth]:
        """Return how every channel is; one with a server for all is not well while that takes nothing."""
        return [self._health(channel.name, channel.trouble()) for channel in self.channels]

    def _health(self, name: str, trouble: Trouble) -> PartHealth:
        return PartHealth(
            name=name,
            state=PartState.RESTARTING if trouble.whole else PartState.RUNNING,
            since_s=self.since_s,
            restarts=0,
            essential=False,
            advice=trouble.words,
        )

    async def close(self) -> None:
        """Let every channel's connections go."""
        for channel in self.channels:
            await channel.close()


def ways_of(settings: Settings, *, links: Links | None, further: Addresses | None = None) -> Ways:
    """Return the channels that the settings allow.

    `further` knows the addresses of users, which are kept sealed; without it only the operator's own places
    are served. Raise ConfigError for an address in the settings that cannot be used.
    """
    addresses = HouseAddresses(_house(settings), further)
    dialler = Dialler(Networks(settings.channels.private_networks))
    ways: list[Way] = []
    if settings.email.is_on:
        ways.append(_email(settings, addresses, links))
    if settings.webhook.url is not None or further is not None:
        ways.append(webhook.WebhookChannel(dialler, addresses, links=links))
    if apprise.installed() and (settings.apprise.url is not None or further is not None):
        ways.append(apprise.AppriseChannel(dialler, addresses))
    return Ways(channels=tuple(ways))


async def own_channels(settings: Settings, state: StateStore, ways: Ways) -> Own | None:
    """Return what looks after channels of users, None where their addresses cannot be kept sealed.

    What keys of before have sealed is sealed anew.
    """
    sealer = sealer_of(settings)
    if sealer is None:
        return None
    await state.run(lambda session: seal_anew(session, sealer))
    return Own(state, sealer, ways.channels, Networks(settings.channels.private_networks))


def running(channels: Iterable[Channel], *, own: bool) -> set[str]:
    """Return which channels alerts may be sent to beside the app; those of users only where they are kept."""
    names = {channel.name for channel in channels}
    return names if own else names - set(KINDS)


def addresses_of(settings: Settings, state: StateStore) -> Addresses | None:
    """Return what knows the addresses of users, None where they cannot be kept sealed."""
    sealer = sealer_of(settings)
    return OwnAddresses(state, sealer) if sealer is not None else None


def check_ways(settings: Settings) -> None:
    """Raise ConfigError for addresses and secrets in the settings that no channel could use."""
    ways_of(settings, links=None)


def links_of(settings: Settings, key: bytes) -> Links | None:
    """Return what signs links in messages, None where nobody outside could follow them."""
    return Links(settings.web.public_url, key) if settings.web.public_url else None


def sealer_of(settings: Settings) -> Sealer | None:
    """Return what seals addresses of users, None without `LIQWATCH_SECRET_KEY`."""
    key = settings.storage.secret_key
    return Sealer(key, settings.channels.old_keys) if key is not None else None


def off(settings: Settings) -> list[Missing]:
    """Return which channels are off, each with the line that turns it on."""
    found = []
    if not settings.email.is_on:
        found.append(
            Missing(name="E-mail", fix="put LIQWATCH_EMAIL_HOST=… and LIQWATCH_EMAIL_FROM=… into .env")
        )
    if settings.storage.secret_key is None:
        fix = "put LIQWATCH_SECRET_KEY=… into .env (openssl rand -base64 32); addresses are stored encrypted"
        found.append(Missing(name="Alerts to addresses of users' own (e-mail, webhook, apprise)", fix=fix))
    if settings.apprise.url is not None and not apprise.installed():
        found.append(Missing(name="apprise", fix="run make apprise"))
    return found


def _email(settings: Settings, addresses: Addresses, links: Links | None) -> email.EmailChannel:
    own = settings.email
    sender = _usable("LIQWATCH_EMAIL_FROM", lambda: email.Sender.parse(own.sender or ""))
    carrier: email.SendGrid | email.Smtp
    if own.sendgrid_key is not None:
        carrier = email.SendGrid(own.sendgrid_key, own.sendgrid_url)
    else:
        server = email.SmtpServer(
            host=own.host or "",
            port=own.port,
            security=email.Security(own.security),
            user=own.user or "",
            password=own.password,
        )
        carrier = email.Smtp(server)
    return email.EmailChannel(carrier, addresses, sender=sender, links=links, per_minute=own.per_minute)


def _house(settings: Settings) -> dict[str, Address]:
    """Return what the destination `house` of each channel stands for."""
    places: dict[str, Address] = {}
    if settings.email.to is not None:
        to = settings.email.to
        places[email.CHANNEL] = Address(_usable("LIQWATCH_EMAIL_TO", lambda: email.mailbox(to)), trusted=True)
    url, secret = settings.webhook.url, settings.webhook.secret
    if url is not None and secret is not None:
        text = secret.get_secret_value()
        _usable("LIQWATCH_WEBHOOK_SECRET", lambda: webhook.secret_bytes(text))
        networks = Networks(settings.channels.private_networks)
        whole = url.get_secret_value()
        _usable("LIQWATCH_WEBHOOK_URL", lambda: parse(whole, networks))
        places[webhook.CHANNEL] = Address(whole, text, trusted=True)
    if settings.apprise.url is not None:
        places[apprise.CHANNEL] = Address(settings.apprise.url.get_secret_value(), trusted=True)
    return places


def _usable(name: str, read: Callable[[], T]) -> T:
    """Return what a setting means. Raise ConfigError with its name where it means nothing."""
    try:
        return read()
    except UserError as error:
        example = f" For example {name}={error.example}" if error.example else ""
        raise ConfigError([f"{name}: {error.message}{example}"]) from None
