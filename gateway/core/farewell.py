"""The closing mail of a case that is solved: how did it go? Pure.

Its links only open the page with the choice made; the score is given there by a button, so that
who opens every link of a mail before it is read (a scanner, a browser that looks ahead) gives none.
"""

from html import escape

from gateway.core import events as e
from gateway.core.following import link_of
from gateway.core.house_mail import paragraph, speaks
from gateway.core.ids import Context
from gateway.core.messages import add_message
from gateway.core.model import Author, Case, ChannelKind, Item, ItemState
from gateway.core.rating import HIGHEST, stars
from gateway.core.reaching import answering
from gateway.core.rules.texts import nearest
from gateway.core.silence import why_silent, withheld
from gateway.core.state import NodeState

_RIGHT_TO_LEFT = frozenset({"ar"})


def farewell(state: NodeState, ctx: Context, case: Case, item: Item) -> list[e.Change]:
    """What is written when the end of ``item`` has solved ``case``, if its queue writes anything.

    A person must have answered; who was only sorted out is asked nothing.
    """
    queue = state.queues.get(item.queue)
    if queue is None or not queue.courtesy.closing or item.state is not ItemState.COMPLETED:
        return []
    way, url = answering(item), link_of(ctx, case, item)
    if way.kind is not ChannelKind.EMAIL or item.answered_at is None or not url:
        return []
    if why := why_silent(state, case, way, ctx.now):
        return withheld(way, "closing mail", why)
    own = nearest(queue.courtesy.closed, item.language)
    solved = (own or paragraph("solved", item.language)).replace("{number}", str(case.number))
    ask, ends = paragraph("rate", item.language), paragraph("automatic", item.language)
    links = [(score, f"{url}?rate={score}#rate") for score in range(HIGHEST, 0, -1)]
    lines = "\n".join(f"{score} {stars(score)} {link}" for score, link in links)
    _, changes = add_message(
        ctx,
        case,
        way,
        direction="out",
        author=Author(kind="system"),
        body=f"{solved}\n\n{ask}\n\n{lines}\n\n{ends}",
        html=_html(item.language, solved, ask, links, ends),
        subject=item.subject or case.subject,
        to=(way.address,),
        automatic=True,
    )
    return [*changes, e.Change(e.ScoreAsked(case=case.id, item=item.id))]


def _html(language: str, solved: str, ask: str, links: list[tuple[int, str]], ends: str) -> str:
    tag = speaks(language)
    way = "rtl" if tag in _RIGHT_TO_LEFT else "ltr"
    choices = "".join(
        f'<p><a href="{escape(link)}">{score} {stars(score)}</a></p>' for score, link in links
    )
    said = "".join(f"<p>{escape(line)}</p>" for line in solved.split("\n") if line.strip())
    return (
        f'<div lang="{tag}" dir="{way}">{said}<p>{escape(ask)}</p>{choices}'
        f"<p>{escape(ends)}</p></div>"
    )
