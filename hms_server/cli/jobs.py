"""`hms jobs`: the dead-letter list: jobs that failed every try."""

from __future__ import annotations

import argparse

import redis

from hms_server import config
from hms_server.errors import ConfigError
from hms_server.jobs import dead_letters, queues


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("jobs", help="look at failed jobs and replay them")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("failed", help="list them")
    for action, text in (("show", "why one failed"), ("replay", "try one again")):
        actions.add_parser(action, help=text).add_argument("id", metavar="ID")


def run(arguments: argparse.Namespace) -> int:
    """Lists, shows or replays."""
    settings = config.load(serving=False)
    if not settings.queue_redis_url:
        settings.require("redis_url")
    connection = queues.connect(settings, seconds=5.0)
    try:
        if arguments.action == "failed":
            _list(connection)
        elif arguments.action == "show":
            _show(dead_letters.find(connection, arguments.id))
        else:
            dead_letters.replay(connection, arguments.id)
            print(f"{arguments.id} is queued again")
    except redis.RedisError as error:
        raise ConfigError(f"Redis does not answer ({type(error).__name__})") from None
    return 0


def _list(connection: redis.Redis) -> None:
    letters = dead_letters.list_all(connection)
    for letter in letters:
        print(f"{letter.job_id}  {_time(letter)}  {letter.queue}  {letter.failure}")
    if not letters:
        print("no failed jobs")


def _show(letter: dead_letters.DeadLetter) -> None:
    print(f"id         {letter.job_id}")
    print(f"queue      {letter.queue}")
    print(f"job        {letter.job}")
    print(f"arguments  {' '.join(map(str, letter.arguments))}")
    print(f"ended      {_time(letter)}")
    print(f"failure    {letter.failure}")


def _time(letter: dead_letters.DeadLetter) -> str:
    return letter.end_time.isoformat(timespec="seconds") if letter.end_time is not None else "-"
