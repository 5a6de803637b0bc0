"""The customer's own page for a ticket, `/t/{token}`: status, history, reply, rate.

Rendered here, so that it can be read and answered without a script; a small script beside it
(push/web/src/ticket) tells the times in the reader's zone, keeps what was typed and looks for news.
What a customer may see is decided in ``core.ticket``; the address in ``flow.ticketlinks``.
"""

from gateway.api.ticket.pages import TicketPages as TicketPages
