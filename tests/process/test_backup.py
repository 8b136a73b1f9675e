"""A backup is taken beside a running process, and puts back what users had."""

import asyncio
import sys

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


async def liqwatch(cwd, env, *arguments):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=cwd,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode, out.decode(), err.decode()


async def test_alerts_of_the_time_of_a_backup_are_there_again_after_a_restore(
    launch, tmp_path, bare_environment
):
    flags = ("--source", "replay", "--data-dir", str(tmp_path / "data"))
    process = await launch(speed="60")
    panel = await process.panel()
    await panel.say("/watch btc")
    code, out, err = await liqwatch(tmp_path, bare_environment, "backup", "backups", *flags)
    assert code == 0, err
    assert out.endswith(" MB, whole\n")
    await panel.say("/watch eth")
    (made,) = (tmp_path / "backups").iterdir()
    code, _, err = await liqwatch(tmp_path, bare_environment, "restore", str(made), *flags)
    assert code == 1
    assert "already serves" in err
    assert await process.terminate() == 0

    code, out, err = await liqwatch(tmp_path, bare_environment, "restore", str(made), *flags)
    assert code == 0, err
    assert "before-restore" in out
    again = await launch(speed="60")
    panel = await again.panel()
    listed = str((await panel.say("/alert list"))["table"])
    assert "BTC" in listed
    assert "ETH" not in listed
    assert await again.terminate() == 0
