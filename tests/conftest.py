"""Set the rules for every test: property-test profiles, what a missing server means, the closing summary."""

import os
from collections import Counter
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "soak", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

MOST_AGAIN = 4
NEEDS = "needs "
SAMPLES = "LIQWATCH_SAMPLES"


@pytest.fixture(autouse=True)
def logs_as_they_were():
    """Let no test leave behind how it set logs up: a command run here would hide what later ones look for."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def samples() -> Path:
    """The folder of recorded market data that is not shipped; the test is skipped where there is none."""
    folder = os.environ.get(SAMPLES)
    if not folder:
        pytest.skip(f"{NEEDS}{SAMPLES}: a folder with the recorded market data")
    return Path(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip for a missing server or program into a failure where everything is required."""
    report = yield
    if (
        report.skipped
        and os.environ.get("LIQWATCH_REQUIRE_ALL") == "1"
        and isinstance(report.longrepr, tuple)
    ):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith(NEEDS) and SAMPLES not in reason:
            report.outcome = "failed"
            report.longrepr = f"LIQWATCH_REQUIRE_ALL=1, but this test {reason}"
    return report


def _why(report):
    """Return the line of a failed report that says what went wrong."""
    lines = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
    return lines[0].removeprefix("E").strip()[:200] if lines else "no reason"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail a run in which more tests needed a second try than a busy machine explains."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and len(reporter.stats.get("rerun", [])) > MOST_AGAIN and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Say what passed, and what was skipped for want of what; kept in a file for the closing lines."""
    stats = terminalreporter.stats
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    lines = [f"skipped {count}: {reason}" for reason, count in sorted(reasons.items())]
    again = stats.get("rerun", [])
    lines += [f"tried once more: {report.nodeid}: {_why(report)}" for report in again]
    if len(again) > MOST_AGAIN:
        lines.append(f"{len(again)} tests were tried once more; more than {MOST_AGAIN} are a failure")
    lines.append(f"{len(stats.get('passed', []))} passed, {failed} failed, {sum(reasons.values())} skipped")
    if hasattr(config, "workerinput"):
        return
    folder = Path(config.rootpath) / ".pytest_cache"
    folder.mkdir(exist_ok=True)
    (folder / "liqwatch-summary.txt").write_text("\n".join(lines) + "\n")
