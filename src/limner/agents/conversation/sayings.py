"""What is said about the conversation itself: why, forget that, what do you know about me, start over, hello."""

import re
from collections.abc import Callable

from limner.agents.conversation.acts import (
    About,
    Act,
    Asked,
    Farewell,
    Forget,
    Indifferent,
    More,
    Profile,
    Restart,
    Small,
    Why,
)
from limner.agents.conversation.grammar import BOUNDARY, ITEMS
from limner.agents.conversation.hearing import Hearing, Rule, rule
from limner.agents.conversation.lexicon import NUMBERS
from limner.agents.conversation.tokens import Line, Unit

__all__ = ["CONTROL", "COURTESY", "MORE"]

_Handler = Callable[[Hearing, Line, re.Match[str], list[Unit]], bool | None]


def _plainly(act: type[Act], **fields: object) -> _Handler:
    def kept(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
        hearing.add(act, found, **fields)

    return kept


def _forget_listed(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    numbers = tuple(
        NUMBERS.get(word) or int(word)
        for word in re.findall(r"\w+", match["numbers"])
        if word in NUMBERS or word.isdigit()
    )
    if not numbers:
        return False
    hearing.add(Forget, found, what="listed", numbers=tuple(dict.fromkeys(numbers)))
    return None


def _forget_words(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    about = line.within(match.start("words"), match.end("words"))
    hearing.add(Forget, found, what="words", words=hearing.quote(about))


def _why(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    hearing.add(Why, found, item_ids=hearing.items(line, match))


def _about(*names: str) -> _Handler:
    def asked(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
        ids = hearing.items(line, match) or hearing.scene.shown[:1]
        if not ids:
            hearing.add(Asked, found)
            return None
        hearing.add(About, found, item_ids=ids, attribute=_attribute(hearing, names))
        return None

    return asked


def _attribute(hearing: Hearing, names: tuple[str, ...]) -> str | None:
    if names == ("year",):
        return hearing.vocabulary.year
    for attribute in hearing.vocabulary.attributes:
        if any(name in attribute.lower() for name in names):
            return attribute
    return None


def _indifferent(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    question = hearing.scene.question
    hearing.add(Indifferent, found, attribute=question.attribute if question else None)


def _unsure(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    if hearing.scene.question is None:
        return False
    _indifferent(hearing, line, match, found)
    return None


def _faintly(sort: str) -> _Handler:
    def kept(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
        hearing.hint(Small, found, sort=sort)

    return kept


_START = r"(?:(?:please|ok|okay|no|yes|and|so|well|actually|just|now|then|,|can you|could you|would you|you can|you should|i want you to|id like you to|i would like you to) )*"
_FORGET = rf"(?:{_START}(?:please )?(?:forget|delete|erase|remove|ignore|drop))"
_N = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|first|second|third|fourth|fifth)"

CONTROL: list[Rule] = [
    rule(
        r"(?:so |and |but )*(?:what|which things?) (?:all )?(?:do|did|have) you (?:already )?(?:know|learn|learned|learnt|remember|remembered|noted?|think|save|saved|store|stored)"
        r" (?:of|about|on) me(?: so far| already| now)*(?: \?)*"
        r"|what do you remember(?: \?)*|(?:tell|show) me (?:what you know|everything you know|all you know) (?:of|about) me|who am i(?: \?)*"
        r"|(?:show|see|view|open|read)(?: me)? my (?:profile|portrait|data)|whats in my (?:profile|portrait)|do you (?:know|remember) (?:anything|something|things) about me(?: \?)*"
        r"|what do you think i (?:like|enjoy|want)(?: \?)*|describe me",
        _plainly(Profile),
    ),
    rule(
        r"(?:(?:can|could|may) (?:we|i|you) |lets |let us |i want to |id like to |please |ok |okay |, )*"
        r"(?:start (?:over|again|anew|afresh|fresh|from (?:scratch|the beginning))|restart|reset|begin (?:again|anew)|new (?:search|conversation|topic)|clean slate)"
        r"(?: please| again| now| ,)*",
        _plainly(Restart),
    ),
    rule(
        rf"{_FORGET} (?:everything|all|whatever|the whole|this (?:whole )?(?:conversation|chat|session))(?: (?:that|of|what))*"
        r"(?: (?:i|we|ve|have|ever|just|said|told|you|talked|spoke|about|wrote|mentioned|here|today|now|so|far|in|this|conversation|chat|session|it|that))*",
        _plainly(Forget, what="session"),
    ),
    rule(
        rf"{_FORGET} (?:about )?(?:(?:number|numbers|no \.|#|line|lines|entry|entries|point|the|nr|and|,) ?)*(?P<numbers>{_N}(?:(?: ,| and| &)* {_N})*)(?: (?:one|line|entry|point)s?)?{BOUNDARY}",
        _forget_listed,
    ),
    rule(
        rf"{_FORGET} (?:about )?(?:(?:that|it|this)(?: (?:one|last one|message))?|what i (?:just )?(?:said|wrote|told you)(?: last| just now| before)?|(?:my|the) last (?:thing|one|message|sentence|words|wish)(?: i said)?){BOUNDARY}"
        r"|scratch that|strike that|never ?mind(?: that| what i said)?|nevermind|i take (?:that|it) back|i didnt mean (?:that|it)|i did not mean (?:that|it)",
        _plainly(Forget, what="last"),
    ),
    rule(
        rf"{_FORGET} (?:that |about |the fact that |what i (?:said|told you) about |everything about |anything about |my wish for |my )*(?P<words>(?!me )[^.!?\n_]{{3,120}}?)(?= [.!?\n]|$)",
        _forget_words,
    ),
    rule(
        rf"(?:but |and |so |ok |okay |, )*why (?:(?:did|do|would|are|is|was|were|should|have|exactly|just|on earth) )*(?:(?:you|i|we) (?:(?:really|even) )?(?:recommend|recommended|recommending|suggest|suggested|suggesting|pick|picked|choose|chose|show|showed|showing|think|thought|like|watch|see)(?: (?:me|us|i|we|would|should|that|id|might|will|like|enjoy|love|to|watch|of|for) )*)? ?(?P<items>{ITEMS})(?: (?:for me|to me|then|though|recommended|suggested|again))*(?: \?)*"
        rf"|(?:what makes you (?:think|recommend|suggest|believe|choose|pick)|how come you (?:recommend|suggest|recommended|suggested|chose|picked))(?: (?:that|i|would|like|me|id|will|might|enjoy))*(?: (?P<others>{ITEMS}))?(?: \?)*",
        _why,
    ),
    rule(
        r"(?:but |and |so |ok |, )*(?:why|how come)(?: (?:is that|so|exactly|though|did you recommend|did you suggest|do you think so|do you say that))*(?: \?)+|explain(?: (?:why|please|yourself|your choice|it|this|that))*|^why",
        lambda h, n, m, f: h.add(Why, f),
    ),
    rule(
        rf"(?:and |so |, )*(?:who|by whom) (?:is |was |were |has )?(?:the )?(?:directed|made|director|filmed|direct|director of|is it by)(?: of| by)?(?: (?P<items>{ITEMS}))?(?: directed| by)*(?: \?)*",
        _about("direct"),
    ),
    rule(
        rf"(?:and |so |, )*who (?:else )?(?:(?:is|was|are|all) )*(?:in|starring|stars?|starred|plays?|played|acts?|acted|acting|the (?:actors?|actress|star|stars|lead|cast|main actor))(?: in| of| on)*(?: (?P<items>{ITEMS}))?(?: \?)*|who(?:s| is) in (?P<others>{ITEMS})(?: \?)*",
        _about("star", "actor", "cast"),
    ),
    rule(
        rf"(?:and |so |, )*who (?:is |was )?(?:the )?(?:wrote|writes|writer|author|written)(?: of| by)*(?: (?P<items>{ITEMS}))?(?: \?)*",
        _about("writ", "author"),
    ),
    rule(
        rf"(?:and |so |, )*(?:when (?:was|is|did|were) (?P<items>{ITEMS})(?: (?:made|released|filmed|from|come out|shot|published|written|out))*|(?:what|which) year (?:(?:was|is|did|were) )?(?P<others>{ITEMS})(?: (?:made|released|filmed|from|come out|shot))*|how old is {ITEMS})(?: \?)*",
        _about("year"),
    ),
    rule(
        rf"(?:and |so |, )*how long (?:is|was|are|does) (?P<items>{ITEMS})(?: last| take| run)*(?: \?)*",
        _about("runtime", "length", "duration", "minutes", "pages"),
    ),
    rule(
        rf"(?:and |so |, )*(?:what|which) (?:genre|kind|type|sort)(?: of I)? (?:is|was|are) (?P<items>{ITEMS})(?: \?)*",
        _about("genre", "categor", "kind", "type"),
    ),
    rule(
        rf"(?:and |so |ok |okay |, )*(?:(?:what|whats|whos)(?: (?:is|was|are|the|plot|story|synopsis|of|happens|in))* (?P<items>{ITEMS})(?: (?:all|really|is|was))* (?:about|like)|what(?:s| is) the (?:plot|story|storyline|synopsis)(?: of| in| for)?(?: {ITEMS})?"
        rf"|what happens in {ITEMS})(?: \?)*",
        _about("description", "plot", "synopsis"),
    ),
    rule(
        rf"(?:and |so |ok |okay |please |can you |could you |, )*(?:(?:tell|give|show) me (?:(?:a |some |little |bit |more |details |info |information |something )*)(?:about|on)|describe|what do you know about|more (?:info|information|details) (?:about|on)) (?P<items>{ITEMS})(?: please)?(?: \?)*",
        _about(),
    ),
    rule(
        r"what(?:s| is)? (?P<items>(?:it|that)) about(?: \?)*|whats that(?: one)? about(?: \?)*",
        _about("description", "plot"),
    ),
]
"""Questions about what was shown and what is known, and orders to forget."""

MORE: list[Rule] = [
    rule(
        r"surprise me|i have no (?:preference|idea)|no (?:real |particular )?preferences?|(?:it |that )?(?:doesnt|does not|dont) (?:really )?matter(?: to me)?|(?:its |it is |that is |thats )?(?:all )?(?:up to you|your (?:choice|call|pick))|you (?:can )?(?:choose|pick|decide)(?: for me)?"
        r"|(?:i )?(?:dont|do not) (?:really |particularly )?(?:mind|care)(?: about (?:that|it|which|the I|genre|genres))?(?: (?:which|what|either way)(?: one)?)?(?! if| when)|whatever(?: (?:is fine|works|you (?:like|think|want|recommend|suggest)|youd like))*"
        r"|(?:i(?:m| am) )?(?:open to|fine with|good with|up for|ok with|okay with|happy with) (?:anything|whatever|any(?: I| genre)?|all(?: genres)?|suggestions|everything)|im open|i am open|im easy"
        r"|(?:anything|any|either|any I|any genre|all|everything|both)(?: one| of them| of these| of those)? (?:is|are|will|would|sounds?|works?|goes|s)(?: (?:fine|good|ok|okay|do|be|great|me|for|by|with))*|(?:i like|i love|i enjoy|i watch) (?:anything|everything|all kinds|all genres|all types)(?: of I)?",
        _indifferent,
    ),
    rule(
        r"(?:i )?(?:am |m )?(?:dont know|do not know|not sure|no idea|(?:cant|couldnt|couldn t|could not|hard to) (?:really )?(?:say|tell|decide)|really couldnt say|idk|dunno|have no idea|im not sure|im unsure)(?: really| yet| actually| sorry)*",
        _unsure,
    ),
    rule(r"(?:either|any|anything|both)(?: one| of them| of these| of those)?(?= [.!?,\n]|$)", _unsure),
    rule(
        r"(?:(?:so|and|but|ok|okay|please|well|then|what|can you|could you|would you|do you have|have you got|got|is there|are there|give me|show me|let me see|tell me) )*"
        r"(?:what else|anything else|something else|something (?:completely |totally |entirely |quite |a bit )?different|(?:any|some) (?:other|more|further|better|good|new|additional|different)? ?(?:suggestions?|recommendations?|ideas?|options?|choices|ones|thoughts|recs?|reccomendations?|recomendations?)|(?:any|some) (?:other|more|others)(?: I)?|others?|another(?: one| I| suggestion| recommendation| option)?|one more|more(?: (?:please|options|suggestions|recommendations|ideas|I|like (?:that|this|these|those)))*|next(?: one| please)*|keep going|go on|show more|try again)"
        rf"(?: (?:do|would|can|could|should|might|have) (?:you|i|we)(?: (?:have|recommend|suggest|think|got|know|watch|see|try|offer|find|think of|for|me))*)?(?: (?:you (?:can|could|would|might) (?:recommend|suggest|think of|give me)|(?:for|to) (?:me|us|tonight|watch|see)|out there|please|then|in mind|from you))*{BOUNDARY}(?: \?)*",
        _plainly(More),
    ),
    rule(
        r"(?:(?:so|and|but|ok|okay|please|well|then|do you think|just|i was|im|i am|wondering if|hoping|hoping that|maybe) )*"
        r"(?:(?:can|could|would|will|do|might) you (?:please |maybe |possibly |also |kindly )*(?:recommend|suggest|find|give|reccomend|recomend|help|show|think of|advise|have any)|(?:what|which|what I|which I|what ones?|what kinda I|what kind of I) (?:would|do|should|can|could|did|might) (?:you|i|we) (?:recommend|suggest|watch|see|try|think|reccomend|recomend|advise|have|offer)|^(?:just )?(?:recommend|suggest|find)|(?:please |just )(?:recommend|suggest|give|find|show)|(?:recommend|suggest|find|give|show|tell) (?:me|us)|what do you (?:suggest|recommend|have|think i should (?:watch|see)))"
        r"(?: (?:that |which )?(?:i|we) (?:should|could|can|might) (?:watch|see|try|like|enjoy|check out))?(?: (?:me|us|to me|find|out|with|for|for me|to|then|next|now|today|tonight|instead|please|watch|see))*"
        r"(?: (?:something|anything|a|an|any|some|one|another|few|couple|of|the|good|great|nice|new|more|other|best|decent|else|I|suggestions?|recommendations?|please))*(?: (?:that |which )?(?:i|we|id) (?:should|could|can|might|will|would|ll) (?:watch|see|try|like|enjoy|love))?(?: (?:for me|to me|to watch|to see|tonight|today|to|for))*(?: \?)*",
        _plainly(More),
    ),
    rule(
        r"(?:i |we |am |im |was |would |id |just |ve |have |been |were |really |currently |also |here |trying |want |wanting |wanted |need |needed |hoping |like |love |hi |hello |to |so )*(?:looking|searching|hunting|to find|to get|to see|to watch|need|want|find|after|like|watch|see)(?: (?:for|to|get|find|see|watch|out|some|a|an|any|good|great|nice|new|few|couple|of|decent|the|best|one|other|more|fun|interesting|really|something|anything|please|help|with))*"
        rf" (?:I|something|anything|suggestions?|recommendations?|recs?|ideas?|I (?:recommendations?|suggestions?))(?: (?:to watch|to see|tonight|today|for tonight|for me|please|this weekend|now|recommendations?|suggestions?|recommended))*{BOUNDARY}",
        _plainly(More),
    ),
]
"""Having no preference, and wanting recommendations."""

COURTESY: list[Rule] = [
    rule(
        r"(?:ok |okay |well |thanks |, )*(?:bye(?: bye)?|goodbye|good bye|see (?:you|ya|u)(?: later| soon| around)?|good night|goodnight|(?:you )?have (?:yourself )?an? (?:very |really )?(?:good|great|nice|wonderful|lovely|awesome|amazing|fantastic|blessed) (?:day|night|one|evening|weekend|time|afternoon|week)|take care|farewell|ttyl|talk to you later|i (?:gotta|have to|need to|must) go|cya|(?:thats|that is|that will be|thatll be) (?:all|it)(?: for now| for today| i need(?:ed)?| then| thanks)*|enjoy your (?:day|night|evening|weekend))(?: too| now| then| everyone)*",
        _plainly(Farewell),
    ),
    rule(
        r"(?:(?:ok|okay|great|cool|awesome|perfect|wonderful|no|well|alright|nice|oh|yes|,) )*(?:thanks|thank (?:you|u|ya)|thx|ty|thankyou|thank|many thanks|i (?:really |greatly |truly )?appreciate(?: (?:it|that|this|your|the|all))*|much appreciated|cheers)(?: (?:so much|a lot|very much|a bunch|a million|again|you|for (?:the|your|all|that|this|asking|sharing|explaining|recommending|suggesting|helping|everything)(?: (?:the|your|of|help|great|good|recommendations?|suggestions?|suggesting|advice|tips?|chat|info|time|ideas?|I|them|me|it|that))*|though|and|too))*",
        _faintly("thanks"),
    ),
    rule(
        r"(?:hi|hello|hey|hiya|howdy|greetings|yo|helo|hellooo*|hii+|good (?:morning|evening|afternoon|day)|whats up|sup|hey there|hi there|hello there|hello again)(?: (?:there|again|everyone|friend|buddy|all|my friend|mate|to you))*",
        _faintly("greeting"),
    ),
    rule(
        r"(?:and )?(?:how (?:are|r|is|s|about) (?:you|u|ya|things|it|everything|your day|you all)(?: (?:doing|going|today|this|evening|morning|afternoon|tonight|so|far|been|fine))*|hows? (?:it|things|everything|your day) (?:going|today|been|doing)|how do you do|(?:its )?(?:nice|good|great|pleasure) (?:to (?:meet|chat|talk)(?: (?:with|to))?|meeting|chatting(?: with)?|talking(?: to| with)?) (?:you|u)|how have you been|i hope you(?:re| are)? (?:are |having |have )*(?:doing )?(?:well|good|a? ?(?:good|great|nice|wonderful) (?:day|evening|night)))(?: too| as well)*(?: \?)*",
        _faintly("greeting"),
    ),
    rule(
        r"(?:i|im|i am|i m|am|doing|its|it is|im doing|i am doing|all|pretty|very|so|really|just|everything is|going|ive been|not too) ?(?:(?:am|doing|pretty|very|really|so|just|also|feeling|going|too|quite) )*(?:good|great|fine|well|bad|okay|ok|awesome|fantastic|wonderful|alright|excellent)(?: (?:today|thanks|thank you|too|as well|here|and|yourself|you|how about|so far|also|for|asking))*(?=$| [.!?,;\n]| _| i | how| what| looking| im | can| could| do)(?: \?)*|(?:and |how about |what about )(?:you|yourself|u)(?: \?)*|wb u|you too|same to you|same here|youre welcome|no problem|no worries|my pleasure|(?:lol|haha+|lmao|hehe+)",
        lambda h, n, m, f: _courtesy(h, f),
    ),
    rule(r"^(?:(?:no|nope|nah|not really|no sir|no way|not at all)(?: ,)?)+", _faintly("no")),
    rule(
        r"(?:^|(?<=[.!?,] ))(?:(?:yes|yeah|yep|yup|ya|yea|yah|sure|ok|okay|okey|alright|of course|definitely|absolutely|certainly|cool|great|awesome|nice|perfect|right|exactly|true|indeed|good|wonderful|fantastic|amazing|excellent|interesting|why not|sure thing|got it|i see|oh|wow|ah|very cool|sweet|k|thats (?:great|good|cool|awesome|true|right|nice|fine|ok)|that is (?:great|good|cool|awesome|true|fine)|i do|i did|i will|i would|i am|me too)(?: (?:,|then|please|lets|let s|do it|that))*(?: |(?=$)))+?",
        _faintly("yes"),
    ),
]
"""Greetings, thanks, goodbye and assent."""


def _courtesy(hearing: Hearing, found: list[Unit]) -> None:
    if any(
        unit.word in {"good", "great", "fine", "well", "bad", "okay", "ok", "you", "u", "yourself"}
        for unit in found
    ):
        hearing.hint(Small, found, sort="greeting")
