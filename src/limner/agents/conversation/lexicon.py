"""English words that reading a turn of a conversation goes by."""

__all__ = ["COMBINED", "COMMON", "DECADES", "FUNCTION", "NUMBERS", "SYNONYMS", "THINGS", "WEAK"]

NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "5th": 5,
}

DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties")

_FUNCTION_WORDS = """
    prefer prefers preferred hoping hope starring directed written fan fans featuring
    a an the and or but so as if then than that this these those there here it its itself i im ive id ill me my mine myself we
    us our ours you your yours youre youve youd youll he him his hes she her hers shes they them their theirs theyre theyve is
    are was were be been being am do does did done doing have has had having will would can could shall should may might must
    wont wouldnt cant couldnt dont doesnt didnt isnt arent wasnt werent havent hasnt hadnt not no nor of in on at to from by for
    with about into over under up down out off again too very really just also only even still ever already quite rather pretty
    some any all both each every either neither one ones such same other another what which who whom whose when where why how
    because since while until though although however well oh ah um uh hmm hm ok okay yeah yes yep yup nope nah please thanks
    thank like think guess maybe perhaps kind sort bit lot lots thing things stuff something anything nothing everything someone
    somebody anyone anybody get got getting gets go going goes gone went come came make made makes let lets say said know knew
    see saw seen look looking looked find found want wants wanted need needs needed try trying tried much many more most less
    least few little now today tonight right sure good great nice cool fine actually basically definitely probably lol haha s t
    m d re ve ll gonna wanna kinda sorta hey hi hello u ur r n b w x
"""
FUNCTION = frozenset(_FUNCTION_WORDS.split())
"""Words that say nothing by themselves; also letters that typing leaves over."""

_COMMON_WORDS = """
    love loves loved loving hate hates hated liked likes enjoy enjoys enjoyed favorite favorites favourite favourites best
    better worst worse bad awful terrible boring amazing awesome excellent fantastic wonderful perfect interesting interested
    beautiful big small large long short old older oldest new newer newest young younger high low hot cold dark light black
    white red blue green gold golden silver happy sad funny fun scary sweet bitter strange weird crazy mad wild free true real
    false wrong easy hard fast slow early late last first second third next final previous recent recently two three four five
    six seven eight nine ten eleven twelve hundred thousand million zero once twice day days night nights week weeks weekend
    month months year years hour hours minute minutes morning evening afternoon yesterday tomorrow monday tuesday wednesday
    thursday friday saturday sunday january february march april june july august september october november december summer
    winter spring fall christmas halloween birthday holiday holidays vacation time times place places world earth moon sun star
    stars sky space sea ocean river lake mountain island city town village street road house home room door window wall floor
    kitchen school college class office work job money business party game games play played playing player sport sports music
    song songs dance dancing book books story stories life live lives living death dead die dies died kill killed killing war
    fight fighting fire water air food drink drinks dinner coffee man men woman women boy boys girl girls kid kids child
    children baby babies people person guy guys lady ladies friend friends family father mother dad mom parents brother brothers
    sister sisters son daughter uncle aunt cousin grandma grandpa husband wife boyfriend girlfriend couple king queen prince
    princess doctor doctors teacher police cop cops thief killer soldier hero heroes dog dogs cat cats horse horses bird birds
    fish bear rat rats monkey animal animals car cars bus train plane ship boat bike movie movies film films picture show shows
    series episode season video tv television screen theater cinema scene ending end start started stop begin beginning watch
    watched watching hear heard read write tell told talk talking ask asked call called give gave given take took taken put run
    ran running walk turn turned open close closed hold keep kept leave left stay stayed move moved wait waiting help helped
    change changed follow lost lose win won miss missed meet met remember forget forgot forgotten believe feel felt feeling hope
    hopes wish wishes dream dreams mind heart head hand hands face eye eyes body blood soul spirit ghost god heaven hell angel
    angels devil monster alien aliens magic mystery secret secrets truth lie lies trust power force gift price chance luck lucky
    wonder surprise idea plan plans rules order choice question answer reason problem trouble danger crime action drama comedy
    horror romance romantic thriller fantasy adventure western musical history classic classics animation animated cartoon
    documentary science fiction different similar special general main whole full half part side top bottom inside outside away
    back forward around through behind before after between against above below near far together alone never always often
    sometimes usually soon later yet almost enough nobody none else instead anyway anyhow suppose recommend recommended
    recommendation recommendations suggest suggestion suggestions option options list type types genre genres director actor
    actors actress role character characters plot acting cast version sequel original remake trilogy franchise prequel box
    pretty past present future ready kick pass split kiss rush quick deep super target tag warm trip hall gone knowing
"""
COMMON = FUNCTION | frozenset(_COMMON_WORDS.split())
"""Words of daily talk, of which a title is told apart only by how it stands there."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "animation": ("animated", "animations", "cartoon", "cartoons", "anime"),
    "biography": ("biographies", "biopic", "biopics", "biographical"),
    "childrens": (
        "children",
        "kids",
        "for kids",
        "for children",
        "for the kids",
        "family",
        "family friendly",
    ),
    "comedy": ("comedies", "comedic", "funny", "hilarious", "humorous", "humor", "humour"),
    "crime": ("gangster", "mafia", "mob"),
    "documentary": ("documentaries", "docu"),
    "drama": ("dramas", "dramatic"),
    "family": ("families", "kids", "children", "for kids", "for children", "for the kids", "family friendly"),
    "fantasy": ("fantasies", "fantastical"),
    "film noir": ("noir", "noirs", "films noirs", "films noir"),
    "history": ("historical", "historic", "period piece", "period pieces"),
    "horror": ("horrors", "scary", "frightening", "slasher", "slashers"),
    "music": ("musical", "musicals"),
    "musical": ("musicals",),
    "mystery": ("mysteries", "whodunit", "whodunnit", "whodunits", "detective"),
    "romance": ("romances", "romantic", "love story", "love stories", "chick flick", "chick flicks"),
    "sci fi": ("scifi", "science fiction", "sf", "sci fy", "syfy"),
    "sport": ("sports", "sporty"),
    "thriller": ("thrillers", "suspense", "suspenseful"),
    "war": ("wartime",),
    "western": ("westerns", "cowboy", "cowboys"),
    "adventure": ("adventures", "adventurous"),
    "action": ("action packed",),
}
"""Other words for values that a catalogue may have, by the value's own words; nothing follows where it has no such value."""

COMBINED: dict[str, tuple[str, ...]] = {
    "romcom": ("romance", "comedy"),
    "rom com": ("romance", "comedy"),
    "romcoms": ("romance", "comedy"),
    "rom coms": ("romance", "comedy"),
    "dramedy": ("drama", "comedy"),
    "dramedies": ("drama", "comedy"),
}
"""Words for several values at once, by the values' own words."""

THINGS: dict[str, tuple[str, ...]] = {
    "film": ("movie", "movies", "films", "flick", "flicks", "picture", "pictures"),
    "movie": ("film", "films", "movies", "flick", "flicks", "picture", "pictures"),
    "book": ("books", "novel", "novels", "read", "reads"),
    "song": ("songs", "track", "tracks", "tune", "tunes"),
    "product": ("products", "article", "articles"),
    "restaurant": ("restaurants", "place", "places"),
    "game": ("games",),
}
"""Other words for items, by what the catalogue's items are called."""

_WEAK_WORDS = """family families war music history historical short shorts news sport sports crime action mystery adult kids children childrens
    biography dramatic mob animated real cowboy historic detective"""
WEAK = frozenset(_WEAK_WORDS.split())
"""Values that are words of daily talk as well: they count where something says that they are wanted."""
