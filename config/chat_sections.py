"""Hold the settings of the chat platforms: tokens, addresses, Telegram's webhook, Discord's shards."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from config.fields import Hint, Section, setting
from config.kinds import HTTP_ADDRESS, WS_ADDRESS, Secret, TextList, blank_is_none, lower

TAKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")
"""What Telegram takes as a webhook's secret, and is too long to be guessed."""
MOST_SHARDS = 16_384


def _shard_ids(value: object) -> object:
    """Read "0-3,8" as the shards it names."""
    if not isinstance(value, str):
        return value
    found: list[int] = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        first, dash, last = part.partition("-")
        end = int(last if dash else first)
        if end >= MOST_SHARDS:
            raise ValueError("names a shard that there cannot be")
        found.extend(range(int(first), end + 1))
    return tuple(found)


def _shards(value: object) -> object:
    """Read "auto" as 0: as many as Discord advises."""
    return 0 if isinstance(value, str) and value.strip().lower() == "auto" else value


def _webhook_secret(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not TAKEN.fullmatch(value.get_secret_value()):
        raise ValueError("is no secret that Telegram takes")
    return value


ShardIds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_shard_ids)]
Shards = Annotated[int | None, BeforeValidator(_shards), BeforeValidator(blank_is_none)]
WebhookUrl = Annotated[Annotated[str, Field(pattern=HTTP_ADDRESS)] | None, BeforeValidator(blank_is_none)]
WebhookSecret = Annotated[Secret, AfterValidator(_webhook_secret)]


class ChatSettings(Section):
    """Chat platforms, and who runs this installation."""

    discord_token: Secret = setting(
        None,
        "bot token of a Discord application",
        Hint("the token from Discord's developer portal", "(your token)", env="DISCORD_TOKEN"),
    )
    telegram_token: Secret = setting(
        None,
        "bot token of a Telegram bot",
        Hint("the token that @BotFather gave", "(your token)", env="TELEGRAM_TOKEN"),
    )
    telegram_base_url: str = setting(
        "https://api.telegram.org",
        "where the Telegram Bot API is; another address for a Bot API server of one's own",
        Hint("an http or https address", "https://api.telegram.org", env="TELEGRAM_BASE_URL"),
        pattern=HTTP_ADDRESS,
    )
    discord_api_url: str = setting(
        "https://discord.com/api/v10",
        "where Discord's REST API is; another address for a proxy of one's own",
        Hint("an http or https address", "https://discord.com/api/v10", env="DISCORD_API_URL"),
        pattern=HTTP_ADDRESS,
    )
    discord_gateway_url: str = setting(
        "wss://gateway.discord.gg/",
        "where Discord's gateway is; another address for a proxy of one's own",
        Hint("a ws or wss address", "wss://gateway.discord.gg/", env="DISCORD_GATEWAY_URL"),
        pattern=WS_ADDRESS,
    )
    telegram_webhook_url: WebhookUrl = setting(
        None,
        "public address that Telegram sends what people write to; empty: Liqwatch asks for it (polling)",
        Hint("an https address", "https://bot.example.org/telegram", env="TELEGRAM_WEBHOOK_URL"),
    )
    telegram_webhook_secret: WebhookSecret = setting(
        None,
        "what Telegram proves itself with at the webhook; empty makes one of the bot's token",
        Hint("16 to 256 of A-Z a-z 0-9 _ -", "(your secret)", env="TELEGRAM_WEBHOOK_SECRET"),
    )
    telegram_webhook_host: str = setting(
        "127.0.0.1",
        "address that the webhook listens on, behind a proxy that does TLS",
        Hint("an address or host name", "127.0.0.1", env="TELEGRAM_WEBHOOK_HOST"),
        min_length=1,
    )
    telegram_webhook_port: int = setting(
        8081,
        "port that the webhook listens on; 0 takes any",
        Hint("0 to 65535", "8081", env="TELEGRAM_WEBHOOK_PORT"),
        ge=0,
        le=65_535,
    )
    discord_shards: Shards = setting(
        None,
        "how many shards the bot's servers are split into; auto: as Discord advises; empty: not at all",
        Hint("auto or 1 to 16384", "auto", env="DISCORD_SHARDS"),
        ge=0,
        le=MOST_SHARDS,
    )
    discord_shard_ids: ShardIds = setting(
        (),
        "which of the shards this process serves; empty: all of them",
        Hint(
            "numbers and ranges split by commas, below the number of shards", "0-3", env="DISCORD_SHARD_IDS"
        ),
    )
    language: Annotated[Literal["en", "de", "es", "pt", "ru", "tr", "zh"], BeforeValidator(lower)] = setting(
        "en",
        "language for those whose own is not known or not spoken here",
        Hint("en, de, es, pt, ru, tr or zh", "en", env="LANGUAGE"),
    )
    operators: TextList = setting(
        (),
        "users who may run operator commands",
        Hint("user ids such as discord:42, split by commas", "discord:42,telegram:42", env="OPERATORS"),
    )

    @property
    def has_token(self) -> bool:
        """Say whether any chat platform is configured."""
        return self.discord_token is not None or self.telegram_token is not None

    @property
    def leads(self) -> bool:
        """Say whether this process sends alerts: with shards split over processes, the one with shard 0."""
        return not self.discord_shard_ids or 0 in self.discord_shard_ids

    @model_validator(mode="after")
    def _possible(self) -> Self:
        ids, shards = self.discord_shard_ids, self.discord_shards
        if ids and not shards:
            raise ValueError("discord_shard_ids wants discord_shards as a number, the same in each process")
        if len(set(ids)) != len(ids) or (ids and max(ids) >= (shards or 0)):
            raise ValueError(f"discord_shard_ids wants different numbers from 0 to {(shards or 1) - 1}")
        return self
