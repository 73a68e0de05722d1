"""How channels of the bus and topics of the protocol are spelt: each in one function here, nowhere else."""

PREFIX = "cw:"  # the access list of Redis admits this prefix and nothing else
USER = PREFIX + "user:"
TOPIC = PREFIX + "topic:"
CANARY = PREFIX + "canary:"
PRESENCE = PREFIX + "presence:"


def user_channel(user_id: str) -> str:
    """Where the events of a user's stream go, to every instance that the user is connected to."""
    return USER + user_id


def user_of(channel: str) -> str | None:
    """Whose channel this is; None for a channel of another kind."""
    return channel[len(USER) :] if channel.startswith(USER) else None


def topic_channel(topic: str) -> str:
    """Where the events of a topic go, to every instance on which someone has it open."""
    return TOPIC + topic


def topic_of(channel: str) -> str | None:
    """Which topic's channel this is; None for a channel of another kind."""
    return channel[len(TOPIC) :] if channel.startswith(TOPIC) else None


def presence_key(organization_id: str) -> str:
    """The hash of who is online there, by instance."""
    return PRESENCE + organization_id


def presence_channel(organization_id: str) -> str:
    """Where instances hear that the hash of the same name has changed."""
    return PRESENCE + organization_id


def organization_of(channel: str) -> str | None:
    """Whose presence this channel tells of; None for a channel of another kind."""
    return channel[len(PRESENCE) :] if channel.startswith(PRESENCE) else None


def canary_channel(member: bytes, number: int = 0) -> str:
    """Where one member of the bus publishes to itself, to learn whether Redis still carries anything.

    The numbers serve those who need a channel in a certain slot.
    """
    return f"{CANARY}{member.hex()}:{number}"


def thread_topic(workout_assignment_id: str) -> str:
    """All messages of a workout's thread."""
    return f"thread:{workout_assignment_id}"


def exercise_topic(workout_movement_id: str) -> str:
    """The comments under an exercise."""
    return f"exercise:{workout_movement_id}"
