"""REST: typed resources over the node, one small module each.

``Api`` builds them from what the composition root hands in (``house.House``) and gives the routes;
``gateway.http`` mounts these. Reads come from the database, so they are committed facts; what is
computed from memory is released only when the journal has committed the position it was computed
at. Writes go through the ledger. ``openapi`` describes all routes of the node from their types.
"""

from gateway.api.assembly import Api as Api
from gateway.api.house import House as House
