"""What the directory takes: agents, queues, skills, codes, each as declared by a person."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, convert, to_builtins
from msgspec.structs import asdict, replace

from gateway.core.courtesy import GRACE_SECONDS, Courtesy
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CalendarName, PolicyName, QueueName, SiteName, SkillName
from gateway.core.model import AgentProfile, ChannelKind, Queue
from gateway.core.owed import Abandoned, Answered, Bundling, Callbacks
from gateway.core.policy import Choice, Policy, Ring
from gateway.core.thresholds import Measure, Threshold
from gateway.ports import Role
from gateway.store.views import Named, Use

NAME = r"^[^\s/?#%,]{1,100}$"
Name = Annotated[str, Meta(pattern=NAME)]
Text = Annotated[str, Meta(max_length=200)]
SitePlace = Annotated[SiteName, Meta(pattern=r"^[^\s/?#%,]{0,100}$")]
Level = Annotated[int, Meta(ge=1, le=5)]
Skills = Annotated[dict[SkillName, Level], Meta(max_length=200)]
Units = dict[ChannelKind, Annotated[int, Meta(ge=0, le=100)]]
Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
Password = Annotated[str, Meta(min_length=8, max_length=1_000)]


Tag = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$", max_length=40)]
AnyTag = Annotated[str, Meta(pattern=r"^(\*|[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*)$", max_length=40)]
Language = Annotated[str, Meta(pattern=r"^([A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*)?$", max_length=40)]
"""A tag, or nothing: it is not known."""
Desk = Annotated[int, Meta(ge=1, le=4)]


class RingEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.policy.Ring``."""

    after: Seconds | None = None
    expected_wait: Seconds | None = None
    lower: Annotated[int, Meta(ge=0, le=4)] = 0
    levels: Skills = {}
    drop: tuple[SkillName, ...] = ()
    languages: tuple[AnyTag, ...] = ()
    queues: tuple[QueueName, ...] = ()
    groups: tuple[Text, ...] = ()
    sites: tuple[SiteName, ...] = ()
    desk: tuple[Desk, ...] = ()


class CostEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.policy.Cost``."""

    units: Annotated[int, Meta(ge=0, le=100)] | None = None
    interruptible: bool | None = None
    interrupts: bool | None = None


class QueuePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.policy.Policy``."""

    choice: Choice = "best_fit"
    priority_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    value_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    urgency: Annotated[float, Meta(ge=0, le=1)] = 1.0
    auto_accept: tuple[ChannelKind, ...] = ()
    most_declines: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    costs: dict[ChannelKind, CostEntry] = {}
    inactive_seconds: Annotated[float, Meta(ge=1, le=86_400)] | None = None


class ThresholdEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.thresholds.Threshold``."""

    name: Annotated[str, Meta(pattern=NAME)]
    when: Measure
    at: Annotated[float, Meta(ge=0, le=31_536_000)]
    back: Annotated[float, Meta(ge=0, le=31_536_000)] | None = None
    rings: Annotated[int, Meta(ge=0, le=20)] = 0
    message: dict[ChannelKind, dict[str, Annotated[str, Meta(min_length=1, max_length=1_600)]]] = {}
    overflow_to: QueueName = QueueName("")
    alert: bool = True
    offer_callback: bool = False


Texts = Annotated[dict[str, Annotated[str, Meta(max_length=5_000)]], Meta(max_length=100)]


class CallbackRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.owed.Callbacks``. No ``message`` or ``offer`` given: the house's own."""

    offered: bool = True
    offer_wait: Annotated[float, Meta(ge=0, le=86_400)] = 120.0
    same_agent: bool = True
    again_seconds: Annotated[float, Meta(ge=1, le=604_800)] = 900.0
    most_attempts: Annotated[int, Meta(ge=1, le=100)] = 3
    message: Texts | UnsetType = UNSET
    cancel_on_return: bool = True
    offer: Texts | UnsetType = UNSET


class AbandonedRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.owed.Abandoned``."""

    after: Annotated[float, Meta(ge=0, le=86_400)] = 5.0
    gone_after: Annotated[float, Meta(ge=10, le=86_400)] | None = 120.0
    then: Answered = "ignore"
    message: Texts = {}
    queue: Annotated[QueueName, Meta(max_length=100)] = QueueName("")
    title: Annotated[Text, Meta(min_length=1)] = "Win back who gave up waiting"


class CourtesyRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See ``gateway.core.courtesy.Courtesy``."""

    acknowledge: bool = False
    grace_seconds: Annotated[float, Meta(ge=0, le=86_400)] = GRACE_SECONDS
    late: bool = True
    closing: bool = False
    acknowledged: Texts = {}
    closed: Texts = {}


class AgentEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. ``password`` makes or changes the login.

    ``site`` is where the agent sits; empty: at none. ``level`` of the help desk is 1 to 4; 0: all.
    """

    name: Name | UnsetType = UNSET
    display_name: Text | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    skills: Skills | UnsetType = UNSET
    queues: tuple[QueueName, ...] | UnsetType = UNSET
    groups: tuple[Text, ...] | UnsetType = UNSET
    capacity: Units | UnsetType = UNSET
    site: SitePlace | UnsetType = UNSET
    level: Annotated[int, Meta(ge=0, le=4)] | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class QueueEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is.

    ``overflow_after``: seconds after which a waiting item may go to another node where somebody
    is free; 0: at once, all nodes are one pool; null: never. ``hours`` and ``service_policy`` are
    named; empty: none. ``groups`` and ``sites`` whose agents serve it; none: all. ``languages``: by
    language, which others will do. ``rings``, ``policy``, ``thresholds``, ``callbacks``,
    ``abandoned`` and ``courtesy`` are replaced as a whole; docs/routing.md, docs/callbacks.md and
    docs/service-levels.md explain them.
    """

    name: Name | UnsetType = UNSET
    display_name: Text | UnsetType = UNSET
    skills: Skills | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=-100, le=100)] | UnsetType = UNSET
    affinity_seconds: Seconds | UnsetType = UNSET
    offer_seconds: dict[ChannelKind, Annotated[float, Meta(gt=0, le=3600)]] | UnsetType = UNSET
    service_level_seconds: Seconds | UnsetType | None = UNSET
    take_allowed: bool | UnsetType = UNSET
    wrapup_required: bool | UnsetType = UNSET
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] | UnsetType | None = UNSET
    overflow_after: Seconds | UnsetType | None = UNSET
    hours: CalendarName | UnsetType = UNSET
    service_policy: PolicyName | UnsetType = UNSET
    groups: tuple[Text, ...] | UnsetType = UNSET
    sites: tuple[SitePlace, ...] | UnsetType = UNSET
    languages: Annotated[dict[Tag, tuple[Tag, ...]], Meta(max_length=200)] | UnsetType = UNSET
    rings: Annotated[tuple[RingEntry, ...], Meta(max_length=20)] | UnsetType = UNSET
    policy: QueuePolicy | UnsetType = UNSET
    thresholds: Annotated[tuple[ThresholdEntry, ...], Meta(max_length=20)] | UnsetType = UNSET
    callbacks: CallbackRules | UnsetType = UNSET
    abandoned: AbandonedRules | UnsetType = UNSET
    promise_grace_seconds: Seconds | UnsetType = UNSET
    bundle: Bundling | UnsetType = UNSET
    courtesy: CourtesyRules | UnsetType = UNSET


class NameEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A skill or a code; ``uses`` are of a code only."""

    name: Name | UnsetType = UNSET
    label: Text = ""
    uses: Annotated[tuple[Use, ...], Meta(min_length=1, max_length=2)] | UnsetType = UNSET


def named_entry(
    kind: str, name: str, entry: NameEntry, old: Named | None, where: str = ""
) -> Named:
    """The skill or code after the change. Raises ``Refused`` for a skill with uses."""
    if entry.uses is not UNSET and not kind.startswith("code"):
        raise Refused("bad_field", "only codes have uses", f"{where}uses")
    uses = old.uses if entry.uses is UNSET and old is not None else entry.uses
    return Named(name=name, label=entry.label, uses=uses)


def named(path_name: str, entry: AgentEntry | QueueEntry | NameEntry) -> str:
    """The name in the path, which the body may repeat. Raises ``Refused``."""
    if entry.name is not UNSET and entry.name != path_name:
        raise Refused("bad_field", "a name cannot be changed; make a new entry", "name")
    check_name(path_name)
    return path_name


def check_name(name: str) -> None:
    if not 1 <= len(name) <= 100 or any(c.isspace() or c in "/?#%," for c in name):
        raise Refused("bad_field", "a name has 1 to 100 characters, no space, / ? # % ,", "name")


def agent_from(name: str, entry: AgentEntry, old: AgentProfile | None) -> AgentProfile:
    """The profile after the change."""
    return replace(old or AgentProfile(name=AgentName(name)), **_given(entry))


def queue_from(name: str, entry: QueueEntry, old: Queue | None) -> Queue:
    """The queue after the change."""
    given = _given(entry)
    if entry.rings is not UNSET:
        given["rings"] = tuple(convert(to_builtins(ring), Ring) for ring in entry.rings)
    if entry.policy is not UNSET:
        given["policy"] = convert(to_builtins(entry.policy), Policy)
    if entry.thresholds is not UNSET:
        given["thresholds"] = tuple(convert(to_builtins(t), Threshold) for t in entry.thresholds)
    if entry.callbacks is not UNSET:
        given["callbacks"] = convert(to_builtins(entry.callbacks), Callbacks)
    if entry.abandoned is not UNSET:
        given["abandoned"] = _abandoned(name, entry.abandoned)
    if entry.courtesy is not UNSET:
        given["courtesy"] = convert(to_builtins(entry.courtesy), Courtesy)
    return replace(old or Queue(name=QueueName(name)), **given)


def _abandoned(name: str, entry: AbandonedRules) -> Abandoned:
    if entry.then == "message" and not any(entry.message.values()):
        raise Refused("bad_field", "say what is to be written", "abandoned.message")
    if entry.then == "recovery" and entry.queue == name:
        raise Refused("bad_field", "give the tasks another queue", "abandoned.queue")
    return convert(to_builtins(entry), Abandoned)


def _given(entry: AgentEntry | QueueEntry) -> dict[str, object]:
    fields = asdict(entry)
    return {f: v for f, v in fields.items() if v is not UNSET and f not in ("name", "password")}
