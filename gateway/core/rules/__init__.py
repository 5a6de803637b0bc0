"""The front door's rules: data, in order, that say where a contact goes and what it needs.

``words`` finds words and phrases in a text; ``facts`` is what is known of a contact;
``when`` says whether a rule's conditions hold, and which one does not;
``rule`` is the rule itself; ``run`` goes through them in order and tells who decided what;
``problems`` finds rules that contradict, that nothing can reach, or that name what is not there.
"""
