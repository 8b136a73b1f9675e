"""Name every reason that a stage can give, with the sentence that `/alert history` shows for it."""

from enum import StrEnum

from engine.lang import N_, _


class Reason(StrEnum):
    """Why a stage let a fire pass, held it, folded it or dropped it."""

    # dedup
    NEW = "new"
    DUPLICATE = "duplicate"
    TWIN = "twin"
    # stale
    DATA_FRESH = "data_fresh"
    STALE_DATA = "stale_data"
    # inhibit
    NOTHING_WORSE = "nothing_worse_open"
    WAITED = "waited_already"
    INHIBITED = "worse_one_open"
    NO_LONGER_TRUE = "no_longer_true"
    # mute
    AUDIBLE = "not_muted"
    PAUSED_RULE = "rule_paused"
    PAUSED_ALL = "all_paused"
    SNOOZED = "snoozed"
    QUIET_HOLD = "quiet_hours_hold"
    QUIET_SILENT = "quiet_hours_silent"
    QUIET_DROP = "quiet_hours_drop"
    QUIET_DIGEST = "quiet_hours_digest"
    QUIET_CRITICAL = "critical_in_quiet_hours"
    # cooldown
    NOT_COOLING = "no_cooldown"
    STEP_UP = "step_up"
    COOLDOWN_FOLD = "cooldown_folded"
    COOLDOWN = "cooldown"
    # flap
    STEADY = "steady"
    FLAPS = "flaps"
    # daily limit
    UNDER_LIMIT = "under_daily_limit"
    LIMIT_DIGEST = "daily_limit"
    LIMIT_CRITICAL = "critical_over_daily_limit"
    LIMIT_MERGE = "daily_limit_merged"
    # score
    SCORE_NEUTRAL = "relevance_neutral"
    # consolidate
    LEADS = "critical_leads"
    OPENS = "opens_episode"
    GOES_ON = "episode_goes_on"
    RIDES_ALONG = "rides_along"
    GROUP_WAIT = "waits_for_group"
    INFO_DIGEST = "info_digest"
    DIGEST_OFF = "digest_off"
    # route
    ROUTED = "routed"
    FALLBACK = "routed_in_app"

    @property
    def sentence(self) -> str:
        """Return one plain sentence for the user."""
        return _(SENTENCES[self])


SENTENCES: dict[Reason, str] = {
    Reason.NEW: N_("This had not been seen before."),
    Reason.DUPLICATE: N_("The very same event had already been handled."),
    Reason.TWIN: N_("Another of your alerts said the same a moment before; this was added to that message."),
    Reason.DATA_FRESH: N_("Its market data was fresh."),
    Reason.STALE_DATA: N_("Its market data was stale; it is looked at again as soon as data is back."),
    Reason.NOTHING_WORSE: N_("Nothing worse was open about the same thing."),
    Reason.WAITED: N_("It had waited for others about the same move, so it goes with them."),
    Reason.INHIBITED: N_(
        "A worse alert about the same thing was open, so this one waits until that is over."
    ),
    Reason.NO_LONGER_TRUE: N_("It was no longer true when its wait was over, so nothing was sent."),
    Reason.AUDIBLE: N_("Neither pause, snooze nor quiet hours stood in the way."),
    Reason.PAUSED_RULE: N_("You had paused this alert."),
    Reason.PAUSED_ALL: N_("You had paused all alerts."),
    Reason.SNOOZED: N_("It was snoozed; it is looked at again when the snooze ends."),
    Reason.QUIET_HOLD: N_("It fell into your quiet hours; it is looked at again when they end."),
    Reason.QUIET_SILENT: N_("It fell into your quiet hours, so it is sent without a sound."),
    Reason.QUIET_DROP: N_("It fell into your quiet hours, which you set to drop alerts."),
    Reason.QUIET_DIGEST: N_("It fell into your quiet hours and went into your digest."),
    Reason.QUIET_CRITICAL: N_("It fell into your quiet hours, but critical alerts pass."),
    Reason.NOT_COOLING: N_("It was not in its cooldown."),
    Reason.STEP_UP: N_("It was in its cooldown, but what gets worse is exempt."),
    Reason.COOLDOWN_FOLD: N_("It was in its cooldown, so it was added to the message you already have."),
    Reason.COOLDOWN: N_("It was in its cooldown."),
    Reason.STEADY: N_("It had not been going back and forth."),
    Reason.FLAPS: N_("It goes back and forth, so it was added to the message you got within the last hour."),
    Reason.UNDER_LIMIT: N_("You were under your daily limit."),
    Reason.LIMIT_DIGEST: N_("You had reached your daily limit, so it went into your next digest."),
    Reason.LIMIT_CRITICAL: N_("You had reached your daily limit, but critical alerts pass."),
    Reason.LIMIT_MERGE: N_(
        "You had reached your daily limit, so this repeat was added to an earlier message."
    ),
    Reason.SCORE_NEUTRAL: N_("It was judged as relevant as any other."),
    Reason.LEADS: N_("Critical alerts are sent at once."),
    Reason.OPENS: N_("It was the first of its kind for a while."),
    Reason.GOES_ON: N_("The move went on, so you were told again."),
    Reason.RIDES_ALONG: N_("It was added to the message about the same move."),
    Reason.GROUP_WAIT: N_("It waits a few seconds for others about the same move."),
    Reason.INFO_DIGEST: N_("Context goes into your digest."),
    Reason.DIGEST_OFF: N_("It would have gone into your digest, which you switched off."),
    Reason.ROUTED: N_("It was handed to the channels you chose."),
    Reason.FALLBACK: N_("No channel of yours takes this severity, so it is shown in the app."),
}


def sentence(reason: str) -> str:
    """Return the sentence of a stored reason; one that this version does not know is shown as it is."""
    try:
        return Reason(reason).sentence
    except ValueError:
        return reason.replace("_", " ")
