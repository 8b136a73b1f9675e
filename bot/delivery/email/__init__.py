"""Deliver alerts by e-mail: through a mail server of the operator's, or SendGrid's HTTP API."""

from bot.delivery.email.channel import CHANNEL, EmailChannel
from bot.delivery.email.mailbox import Sender, mailbox
from bot.delivery.email.sendgrid import SendGrid
from bot.delivery.email.smtp import Security, Smtp, SmtpServer

__all__ = ["CHANNEL", "EmailChannel", "Security", "SendGrid", "Sender", "Smtp", "SmtpServer", "mailbox"]
