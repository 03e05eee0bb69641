"""Which recipients are usually told which kinds of information, and for what.

The norms of contextual integrity (Nissenbaum 2004, part III): a kind that is denied to everybody else flows to somebody whose role
and purpose call for it. A norm opens a kind; whether the recipient needs a certain statement is asked about each.
"""

import re
from dataclasses import dataclass

from limner.profiles.sharing.kinds import Kind
from limner.profiles.sharing.requests import Request

__all__ = ["opened_kinds"]


@dataclass(frozen=True)
class _Norm:
    kinds: frozenset[Kind]
    recipient: re.Pattern[str]
    purpose: re.Pattern[str]
    statement: re.Pattern[str] | None = None
    """Only of statements with these words."""


def _norm(recipient: str, purpose: str, *kinds: Kind, statement: str | None = None) -> _Norm:
    def words(pattern: str) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{pattern})", re.IGNORECASE)

    return _Norm(frozenset(kinds), words(recipient), words(purpose), words(statement) if statement else None)


_COMMERCIAL = re.compile(
    r"\b(?:advert\w*|marketing|market research|promot\w*|coupons?|offers|partners|improv\w+ (?:the |our )?(?:service|models?|product)|train\w+ (?:\w+ )?models?|"
    r"personalis\w*|small talk|curiosity|gossip|interest\b|bonus|newsletter|werbung|publicidad|publicit\w*|annonces)\b",
    re.IGNORECASE,
)
"""Purposes under which no role opens anything."""
_CARE = (
    r"doctors?\b|physicians?\b|gps?\b|surgeons?\b|dentists?\b|nurses?\b|midwi\w+|pharmac\w+|paramedics?\b|emergency room|ambulance|hospital|clinic\b|"
    r"\w*therap\w*|physio\w*|osteopath\w*|chiropract\w*|opticians?\b|optometr\w*|ophthal\w*|dermatolog\w*|cardiolog\w*|neurolog\w*|gyn[ae]\w*|urolog\w*|psycholog\w*|psychiat\w*|"
    r"anaesth\w*|anesth\w*|nutritionists?\b|dieti[ct]ians?\b|audiolog\w*|speech|carers?\b|care home|"
    r"médic[oa]s?\b|enfermer\w*|dentista|farmac\w*|comadrona|matrona|médecin\w*|infirmi\w*|sage-femme|pharmacien\w*|arzt|ärztin|hausarzt|zahnarzt|hebamme|apotheke\w*|dottor\w*|huisarts"
)
_CARING = (
    r"treat\w*|therap\w*|appointment|consult\w*|session|diagnos\w*|examin\w*|prescri\w*|medic\w*|interaction\w*|check\w*|surgery|operat\w*|operation|birth|anaesth\w*|rehab\w*|exercis\w*|"
    r"plan\w*|prepar\w*|glasses|lenses|hearing|aid|help\w*|meal|diet|care|visit|vaccin\w*|test|pain|filling|cleaning|emergency|adapting|adjust\w*|"
    r"tratar|tratamiento|consulta|traitement|soigner|rendez-vous|behandl\w*|termin|vorbereit\w*|cura|visita"
)
_NORMS = (
    _norm(_CARE, _CARING, Kind.HEALTH),
    _norm(
        r"tax (?:advis\w+|consultant|preparer|office)|accountants?\b|bookkeepers?\b|bank\b|lender|mortgage|loan|insolvency|debt advi\w+|financial advi\w+|social worker|housing office|"
        r"steuerberat\w*|gestor\w*|asesor\w* fiscal|comptable|conseill\w+ fiscal\w*|commercialista",
        r"tax|return|loan|mortgage|credit|budget|debt|account\w*|income|saving\w*|benefit|application|pension|borrow\w*|steuer\w*|impuestos|declaraci\w*|impôts|showing offers|retire\w*|invest\w*",
        Kind.FINANCES,
        Kind.FAMILY,
    ),
    _norm(
        r"(?:defen[cs]e |the user['’]s |\w+ )?(?:lawyer|solicitor|attorney|barrister|counsel\b)|notary|legal aid|abogad\w*|avocat\w*|anwalt|anwältin|avvocat\w*",
        r"defen\w*|trial|case|hearing|divorce|custody|appeal|court|advice|advis\w*|represent\w*|contract|will\b|asylum|permit|legal|juicio|procès|prozess",
        Kind.CRIME,
        Kind.FINANCES,
        Kind.FAMILY,
        Kind.ETHNICITY,
        Kind.WORK,
    ),
    _norm(
        r"pastors?\b|priests?\b|imams?\b|rabbis?\b|vicars?\b|parish|congregation|church|mosque|synagogue|temple",
        r"baptis\w*|wedding|funeral|service|prayer|pilgrimage|mass\b|confirmation|instruction|fast\w*",
        Kind.RELIGION,
    ),
    _norm(
        r"taxi|driver|friend|courier|removal|mov(?:er|ing)|delivery|neighbou?r who|host\b|cleaner|car(?:pool| pool)|lift",
        r"pick\w*|bring\w*|driv\w*|deliver\w*|meet\w*|moving|the move|collect\w*|lift|arriv\w*",
        Kind.WHEREABOUTS,
    ),
    _norm(
        r"(?:couples?|family|marriage|grief)['’]? ?(?:counsel\w+|therap\w+)|mediators?\b|family judge|child psycholog\w*",
        r"session|counsel\w*|therap\w*|mediat\w*|prepar\w*",
        Kind.FAMILY,
        Kind.SEXUALITY,
    ),
    _norm(
        r"recruiter|head-?hunter|career (?:coach|advi\w+)|job cent\w+|outplacement|works council|union",
        r"post\b|job|position|applica\w*|career|find\w*|dispute|negotiat\w*",
        Kind.WORK,
    ),
    _norm(
        r"restaurant\w*|caf[eé]\b|cook\b|chef\b|cater\w*|canteen|hosts?\b|host family|bakery|baker\b|airline|restaurante|cuisinier|koch\b|köchin|ristorante|cociner\w*|traiteur|mensa",
        r"cook\w*|dinner|lunch|meal|table|menu|food|cake|cater\w*|eat\w*|bak\w*|welcom\w*|cena|comida|dîner|repas|essen|pranzo|cenare|breakfast|feast|party",
        Kind.HEALTH,
        statement=r"allerg\w*|intoleran\w*|tolera\w*|hives|rash|swell\w*|coeliac|celiac|gluten|lactose|nuts?\b|peanut\w*|shellfish|alérgic\w*|unverträglich\w*|glutine",
    ),
)


def opened_kinds(request: Request, statement: str) -> frozenset[Kind]:
    """Return the kinds that recipient and purpose together call for; none where the request is suspect.

    Args:
        request: Who asks, and what for.
        statement: What would be told; some norms open a kind for certain statements alone.
    """
    if request.suspect or _COMMERCIAL.search(request.purpose) or _COMMERCIAL.search(request.recipient):
        return frozenset()
    opened: set[Kind] = set()
    for norm in _NORMS:
        fits = norm.recipient.search(request.recipient) and norm.purpose.search(request.purpose)
        if fits and (norm.statement is None or norm.statement.search(statement)):
            opened |= norm.kinds
    return frozenset(opened)
