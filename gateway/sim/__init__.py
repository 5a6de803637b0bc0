"""Days that have not happened: the routing's own code in virtual time, on contacts made up.

``scenario`` says what a day is like; ``day`` throws the dice for it, once for all policies;
``floor`` lets the engine work through it, ``hands`` is what an agent does with what is in hand;
``figures`` says how it went; ``compare`` puts several policies side by side.
"""
