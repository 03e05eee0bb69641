"""English words that say nothing of what somebody is looking for."""

__all__ = ["ORDINARY"]

_WORDS = """
    a about an and anything are at be but by can could did do does for from get give good has have he
    her him his how i if in is it just kind like liked likes little lot love maybe me more most my no
    not of on one ones or our please really see she show so some someone something than that the their
    them then there they thing things this those to tonight too us want wanted was watch watching we
    we're were what when where which who why will with would you your
"""
ORDINARY = frozenset(_WORDS.split())
