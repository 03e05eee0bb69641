"""What is said about items: seen, liked, disliked, turned down, taken, or named as an example."""

import re

from limner.agents.conversation.acts import Accepted, Asked, Liking, Rejected, Seen, Small
from limner.agents.conversation.grammar import ADVERBS, BOUNDARY, ITEMS
from limner.agents.conversation.hearing import Hearing, Rule, rule
from limner.agents.conversation.tokens import Line, Unit

__all__ = ["OPINIONS", "REPLIES"]

_I = r"(?:(?:i|we|ive|weve|me|my \w+|and i|but i|also|yes|yeah|both) )"
_NOT = r"(?:dont|do not|didnt|did not|doesnt|does not|cant|never|not|wouldnt|would not|wasnt|isnt|havent|have not|havnt|hadnt|couldnt|aint|don t|didn t)"
_LOVE = r"(?:love|loved|loves|like|liked|likes|enjoy|enjoyed|adore|adored|loving|enjoying|liking|prefer|dig|dug|appreciated)"
_GOOD = (
    r"(?:great|good|awesome|amazing|excellent|fantastic|hilarious|funny|wonderful|brilliant|perfect|cool|fun|incredible|nice|lovely|interesting"
    r"|beautiful|superb|phenomenal|entertaining|epic|solid|terrific|enjoyable|gold|masterpiece|classic|favou?rites?|the best|a? ?must|best|faves?|fav|awsome|so sweet|cute|charming|scary good|touching|moving|creepy , but good)"
)
_BAD = (
    r"(?:boring|bad|terrible|awful|horrible|stupid|dumb|meh|overrated|disappointing|dull|lame|worst|crap|trash|garbage|annoying|weak|cheesy"
    r"|disappointment|sucks?|sucked|ridiculous|bland|predictable|cringe|okay at best|the worst|crime against humanity|confusing|a letdown|slow)"
)
_VERY = r"(?:(?:a|an|the|one|of|my|all|time|so|very|really|pretty|quite|just|absolutely|such|too|also|super|always|totally|truly|another|kind|bit|little|incredibly|extremely|actually|still|one|was|is|that|I|s|definitely|both|probably|personal|most|kids|our|his|her|favorite|favourite) )*"
_WAS = r"(?:was|were|is|are|s|has been|looks?|looked|seems?|seemed|felt)"


def _seen(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    if ids := hearing.items(line, match):
        hearing.add(Seen, found, item_ids=ids)


def _have(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    if not hearing.scene.shown:
        return False
    hearing.add(Seen, found, item_ids=hearing.scene.shown[:1])
    return None


def _nothing(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    """Read, and without consequences."""


def _asked(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    if match["items"] is None and line.units[-1] is not found[-1]:
        return False  # "do you know of any good ones?" asks for some
    hearing.add(Asked, found)
    return None


def _liked(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    ids = hearing.items(line, match)
    if not ids:
        return None if "T" in match["items"] else False
    hearing.add(Liking, found, item_ids=ids)
    return None


def _disliked(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    ids = hearing.items(line, match)
    if not ids:
        return None if "T" in match["items"] else False
    past = re.search(
        r"(?<!\S)(?:didnt|did not|didn t|hated|disliked|was|were|loathed|wasnt|werent)(?!\S)", match.group()
    )
    if not past and set(ids) <= set(hearing.scene.shown):
        hearing.add(Rejected, found, item_ids=ids, reason=_reason(hearing, line, found))
    else:
        hearing.add(Liking, found, item_ids=ids, liked=False)
    return None


def _wished(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    before = line.text[: match.start()]
    ids = hearing.items(line, match)
    if not ids:
        return None if "T" in match["items"] else False
    against = re.search(
        r"(?:nothing|not|no|dont \w+ (?:\w+ )?|isnt|unlike)(?: (?:I|anything|something|too|much))? $", before
    )
    tastes = re.search(rf"(?<!\S){_I}{ADVERBS}{_LOVE} [^.]*$", before) and not re.search(
        r"(?:would|id) $|id (?:love|like)|would (?:like|love)", before
    )
    hearing.add(Liking, found, item_ids=ids, liked=not against, wished=not tastes or bool(against))
    if not against:
        hearing.examples = ids
    return None


def _rejected(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    named = "items" in match.re.groupindex and match["items"] is not None
    ids = hearing.items(line, match) if named else hearing.scene.shown
    if not ids:
        return False
    if named and not set(ids) <= set(hearing.scene.shown):
        hearing.add(Liking, found, item_ids=ids, liked=False)
    else:
        hearing.add(Rejected, found, item_ids=ids, reason=_reason(hearing, line, found))
    return None


def _reason(hearing: Hearing, line: Line, found: list[Unit]) -> str:
    """Return what follows a rejection in its sentence: why."""
    last = next(place for place, unit in enumerate(line.units) if unit is found[-1])
    rest = line.units[last + 1 :]
    while rest and (
        not rest[0].is_word
        or rest[0].word
        in {
            "because",
            "since",
            "as",
            "its",
            "they",
            "thats",
            "that",
            "it",
            "is",
            "was",
            "theyre",
            "just",
            "and",
            "but",
        }
    ):
        rest = rest[1:]
    while rest and not (rest[-1].is_word or rest[-1].meaning):
        rest = rest[:-1]
    if not rest or re.search(
        r"^(?:something|anything|what|i want|i would|id|can|could|do|give|show|maybe|how|thanks|thank|please|another|more|next)(?!\S)",
        " ".join(u.word for u in rest),
    ):
        return ""
    return hearing.text[rest[0].start : rest[-1].end]


def _accepted(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    named = "items" in match.re.groupindex and match["items"] is not None
    ids = hearing.items(line, match) if named else hearing.scene.shown
    if ids:
        hearing.add(Accepted, found, item_ids=ids)
    elif not named or "T" not in match["items"]:
        hearing.hint(Small, found, sort="yes")
    return None


_UNSEEN = rf"(?:(?:no|nope|nah|hmm?|oh|ah|,|actually|sorry|unfortunately|well|but|and|i|we|ive|weve|you know|im afraid|still|id) )*(?:{_NOT}|have never|never|never even|havent even)(?: (?:yet|ever|actually|even|had|got|gotten|been|able|to|a chance|the chance|have|really|remember|think|that|ive|i|recall|believe))* (?:seen|watched|saw|see|watch|watching|seeing|heard|hear|read|played)"
_TRY = r"(?:take|watch|go with|go for|try|check|choose|pick|see|get|add|rent|buy|grab|look up|look into|look|give|put|start with|find|stream|download|look at|catch|keep)"
_WILL = r"(?:ill|i ll|i will|i shall|lets|let us|we will|well|we ll|id|i would|i could|i should|i might|i may|i think ill|i think i will|gonna|going to|im gonna|im going to|i am going to|will|ill have to|i have to|i want to|i wanna|i need to|i plan on|i plan to|must|have to|might|gotta|i gotta|can|i can|ok i will|sure i will|i cant wait to|i am willing to|happy to)"

OPINIONS: list[Rule] = [
    rule(
        rf"(?:have|did|do|are) (?:you|u|ya)(?: (?:ever|also|guys|all|already))* (?:seen?|watched|watch|heard of|like|liked|love|enjoy|enjoyed|read|know|think|familiar with|saw)(?: (?:of|about))*(?: (?P<items>{ITEMS}))?(?: (?:before|yet|too|at all|ever))*(?: \?)*",
        _asked,
    ),
    rule(
        rf"{_UNSEEN}(?: (?:of|about|anything))*(?: (?P<items>{ITEMS}))?(?: (?:before|yet|either|actually|though|of|ever|in (?:a|such a) (?:while|long time)|in years|long time))*",
        _nothing,
    ),
    rule(
        rf"(?:(?:no|nope|nah|not yet|sorry|,|oh) )*(?:i |we )?(?:havent|have not|havnt|haven t|never have|didnt|did not)(?: (?:yet|,|sorry|no|either|actually))*{BOUNDARY}|(?:no |nope )?not yet",
        _nothing,
    ),
    rule(
        rf"(?:(?:no|yes|yeah|but|because|,) )*(?:{_I})?{ADVERBS}{_NOT}(?: (?:really|particularly|even|all that|that|much|too|quite|care for|into|think|i|a|(?:big|huge) fan of|so|especially|very|would|usually|to))* (?:{_LOVE}|care for|stand|into|fan of|interested in|keen on|crazy about|impressed (?:by|with))(?: watching| seeing)? (?P<items>{ITEMS})(?: (?:very|so|that|at all|much|either|really|a lot|though|too))*",
        _disliked,
    ),
    rule(
        rf"(?:{_I})?{ADVERBS}(?:hate|hated|hates|dislike|disliked|loathe|loathed|despise|despised|tired of|sick of|bored of|bored by|regret(?:ted)?)(?: watching| seeing)? (?P<items>{ITEMS})",
        _disliked,
    ),
    rule(
        rf"(?:nothing|not|unlike|(?:dont|do not) want (?:to (?:see|watch) )?(?:anything|something))(?: (?:I|really|too much|that is|thats))* (?:like|similar to) (?P<items>{ITEMS})",
        _wished,
    ),
    rule(
        rf"(?:{_I}|it was |they were )?(?:am |m )?not (?:really |a |exactly )*(?:into|(?:big |huge )?fan of|interested in|keen on) (?P<items>{ITEMS})",
        _disliked,
    ),
    rule(
        rf"(?:(?:ok|okay|yes|yeah|oh|and|,|but|well|actually|no|hmm|i think|sorry|because) )*(?:{_I})?{ADVERBS}(?:have |had )?{ADVERBS}(?:seen|watched|saw|rewatched|already know|know already|own|finished|read|played|re watched)(?: of)? (?P<items>{ITEMS})(?: (?:already|before|recently|many times|a million times|multiple times|yesterday|too|last (?:week|night|month|year|weekend)|once|twice|as well|in (?:the )?theat\w+|a (?:few|couple|lot of|bunch of|hundred) times|a (?:long )?(?:time|while) ago|years ago|when i was (?:a kid|young|younger|little)|(?:with|by) (?:my|the) \w+|though|,))*",
        _seen,
    ),
    rule(
        rf"(?:(?:yes|yeah|oh|yep|,) )*(?:i|we) (?:actually |already )?(?:have|did)(?: (?:already|before|seen|watched|actually|indeed|,|and|yes))*{BOUNDARY}|^(?:already )?(?:seen|watched)(?: already| both| all)?{BOUNDARY}",
        _have,
    ),
    rule(
        rf"(?:{_I}|id |i d )?(?:would |d )?(?:rather not|dont (?:really )?(?:want|feel like|wanna)|do not (?:really )?want|(?:am |m |im )?not (?:really )?(?:interested in|in the mood for|feeling|up for|looking for)|wouldnt (?:be interested in|like|want|enjoy)|would not (?:be interested in|like|want|enjoy)|skip|pass on|not|no to|anything but|except|leave out|drop)(?: (?:to|watch|see|watching|seeing|have|into))* (?P<items>{ITEMS})(?: (?:please|again|though|tonight|today|now))*",
        _rejected,
    ),
    rule(
        rf"(?:{_I}{ADVERBS}{_LOVE}|{ADVERBS}(?:loved?|adored?|enjoyed|liked))(?: watching| seeing| to watch| the I| how| both)? (?P<items>{ITEMS})(?: (?:a lot|so much|very much|too|as well|also|very|much|a ton|alot|though|more|best|the most|both|the best|already))*",
        _liked,
    ),
    rule(
        rf"(?:(?:one of |some of |all of )?(?:my|our|the) (?:all time |absolute |personal |other |second |recent )*(?:favou?rites?|fav|faves?|fave)(?: (?:of|all|time|I|ones?|so|far|V|this|year|recent|right|now|by|P|ever))* (?:is|are|was|were|include|includes|would be|would have to be|has to be|:|has always been|,)?(?: (?:probably|definitely|also|like|either|:|,|from|always|the|by far|the I))*|(?:big|huge|massive|) ?fan of|obsessed with|addicted to|into|grew up (?:on|with)) (?P<items>{ITEMS})",
        _liked,
    ),
    rule(
        rf"(?P<items>{ITEMS})(?: , | )?(?:{_WAS}|has to be|have to be|would be) {_VERY}(?:not (?:so |very |that |really |too |all that )?{_GOOD}|{_BAD}|not my (?:thing|cup of tea|style|type|favou?rites?|taste))",
        _disliked,
    ),
    rule(
        rf"(?P<items>(?:T|S)(?: I)?(?:(?: ,| and| or)* (?:T|S))*|(?:that|this|those|these|the I)(?: (?:I|ones?))|it|they|both(?: of them)?)(?: , | )?(?:was|were|has to be|have to be|would be|are|is|s|has been) {_VERY}{_GOOD}",
        _liked,
    ),
    rule(
        r"(?P<items>(?:T|S)(?: I)?|it|that|that one|this one|the I|they|both|these|those) (?:sucked|sucks|bored me|disappointed me|let me down|didnt do it for me|put me to sleep)",
        _disliked,
    ),
    rule(
        rf"{_GOOD} (?:I|one|ones|choices?|suggestions?|picks?) ?(?:like|,|is|was)? (?P<items>T(?:(?: ,| and| or)* T)*)|(?P<others>T) , {_VERY}{_GOOD}",
        lambda h, n, m, f: _either(h, n, m, f),  # noqa: PLW0108 - it stands further down
    ),
    rule(
        rf"(?:(?:ok|okay|yes|yeah|sure|great|cool|oh|well|thanks|so|then|,|awesome|perfect|and|hm|alright|but|maybe|i think|think|definitely|i guess|nice) )*(?:{_WILL} )(?:(?:definitely|probably|just|have|to|love|like|try|also|maybe|certainly|actually|have to|be|sure|go|and|totally|interested|in|happy|glad|willing|gladly|then|now|absolutely|really|on|a|take|start|by|with|need) )*(?:{_TRY}|watching|seeing|checking|taking|looking|giving) (?:(?:out|into|at|up|for) )?(?P<items>{ITEMS})(?: (?:out|up|a|the|try|shot|go|watch|look|one|please|tonight|then|next|now|for|sure|later|today|this|weekend|first|on|my|list|thanks|soon|when|i|get|home|chance|definitely|in|to|mind|too|again))*",
        _accepted,
    ),
    rule(
        r"(?:(?:yes|ok|okay|and|i|please|,) )*(?:accept|take|choose|pick|want|go with|going with|like the (?:sound|look|idea) of|(?<!something )(?<!anything )(?<!more )(?<!just )like)(?: (?:the|your))? (?P<items>S|that one|this one|them all|it|that|both)(?: (?:please|thanks|then|one|recommendation))*",
        _accepted,
    ),
    rule(
        rf"(?:(?:yes|ok|okay|and|i|please|,|well) )*(?:will )?(?:accept|take|go with)(?: (?:it|that|this|the|your|recommendation|suggestion|one|i|trailer|I))*{BOUNDARY}|sold|deal|(?:lets|let s|let us) (?:do|go (?:with|for)|watch) (?:it|that|this)(?: one)?|yes please|im sold|you sold me|that (?:one )?(?:works|will do|ll do)|thatll do|done deal|im in",
        _accepted,
    ),
    rule(
        rf"(?P<items>(?:T|S)(?: I)?|(?:it|that|this|they|both|all of them|those|these)(?: (?:one|ones|I))?) (?:{ADVERBS}(?:does |do |would )?(?:sounds?|looks?|seems?)|would be|will be|works|might be|could be) (?:(?:like|a|an|really|very|pretty|so|just|absolutely|quite|super|something|also|right|up|my|alley|exactly|perfectly|i|d|would|might|could|to me|plan|I|really) )*(?:{_GOOD}|fine|right|love|like|enjoy|plan|watch|ok|okay|one|I)(?: (?:to me|for me|thanks|I|one|plan|choice|fit|too|to watch|to|watch))*",
        _accepted,
    ),
    rule(
        rf"(?:(?:ok|okay|oh|yes|yeah|wow|that|it|,|hmm) )*(?:sounds|looks|seems|sound|look)(?: (?:like|a|an|really|very|pretty|so|just|quite|super|i|would|might|something))* (?:{_GOOD}|fine|ok|okay|plan|right|one|I|winner|enjoy|love|like)(?: (?:to me|for me|thanks|I|one|plan|choice|i|will|watch|it|to))*|^perfect{BOUNDARY}|(?:good|great|perfect|excellent|nice|awesome) (?:choice|pick|suggestion|recommendation|idea|call|choices|suggestions|recommendations|picks)(?! for)",
        _accepted,
    ),
    rule(
        r"(?:(?:any|some|a|do you|know|have|of|find|more|other) )*(?:(?:I|anything|something|else|ones?|exactly|just|kind of|kinda|more) )*(?:like|similar to|such as|along (?:the )?lines of|in the (?:same )?(?:way|style|spirit|vein|manner) (?:of|as)|reminiscent of|comparable to|resembling|close to|same (?:vein|style|genre|kind|type) (?:as|of)|along with) (?P<items>(?:T|S)(?:(?: ,| and| or| plus| /| also| then| the)* (?:T|S))*)(?: (?:or|and) (?:something|anything) (?:like that|similar))?",
        _wished,
    ),
    rule(
        rf"(?:(?:any|some|more|other|find|another|one|a) )*(?:(?:I|anything|something|else|ones?|more) )+(?:like|similar to|along the lines of|in the (?:same )?(?:way|style|spirit|vein) (?:of|as)) (?P<items>{ITEMS})|(?:I|anything|something) similar",
        lambda h, n, m, f: _similar(h, n, m, f),  # noqa: PLW0108 - it stands further down
    ),
]
"""Seen, liked, disliked, turned down, taken, wished for as an example."""


def _either(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    ids = hearing.items(line, match, "items" if match["items"] else "others")
    if ids:
        hearing.add(Liking, found, item_ids=ids)


def _similar(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    if match["items"] is not None:
        return _wished(hearing, line, match, found)
    ids = hearing._latest(found[-1])
    if ids:
        hearing.add(Liking, found, item_ids=ids, wished=True)
        hearing.examples = ids
    return None


REPLIES: list[Rule] = [
    rule(
        r"^(?:(?:well|hmm?|oh|,|actually|ok|okay|sorry) )*(?:no|nah|nope|naw|not really|no way|pass|no thanks?(?: you)?|not (?:for me|interested|my (?:thing|style|type|taste|cup of tea|kind of I)|quite|exactly|today|tonight)|none of (?:these|those|them)|neither(?: of (?:these|those|them))?|i (?:dont|do not) think so|next)(?: (?:, )?(?:thanks|thank you|really|not really|sorry|no))*(?! (?:,? ?)(?:i |we |ive )?(?:havent|have not|never|havnt|haven t|didnt|dont know|problem|worries|idea|preference))",
        _rejected,
    ),
    rule(
        r"(?:(?:thats|that is|its|it is|this is|they are|theyre|those are|these are|i am|im|i m) )?(?:just )?(?:not (?:really )?(?:for me|interested|my (?:thing|style|type|taste|cup of tea|kind of I)|what i(?:m| am) looking for|what i (?:want|wanted|had in mind)|quite (?:it|right|what i (?:want|had in mind)))|none of (?:these|those|them)|neither of (?:these|those|them)|ill pass|i will pass|i pass)",
        _rejected,
    ),
]
"""Turning down what was shown, in a word."""
