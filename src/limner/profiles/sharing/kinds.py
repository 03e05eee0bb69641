"""Kinds of information that must not flow just anywhere, and the words that give some of it away.

Nissenbaum, "Privacy as contextual integrity", Washington Law Review 79 (2004): whether a flow is proper depends on the sender, the
subject, the recipient, the type of information and the principle under which it flows. This module knows types and subjects by
their words alone; `prototypes` and `judgement` find what no word gives away.
"""

import re
from enum import StrEnum

__all__ = ["Kind", "about_others", "gives_orders", "kinds_by_words", "relations"]


class Kind(StrEnum):
    """Kinds of information that are told only where the purpose itself needs that kind."""

    HEALTH = "health"
    FINANCES = "finances"
    SEXUALITY = "sexuality"
    RELIGION = "religion"
    POLITICS = "politics"
    ETHNICITY = "ethnicity"
    WHEREABOUTS = "whereabouts"
    CRIME = "crime"
    IDENTIFIERS = "identifiers"
    FAMILY = "family"
    WORK = "work"
    """What somebody would not have their employer or colleagues know; a profession alone is not meant."""
    THIRD_PERSON = "third_person"
    """About somebody other than the user."""


_WORDS = {
    Kind.HEALTH: (
        r"illness|disease|diagnos\w*|medicat\w*|medicine|medicament\w*|antidepress\w*|depress\w*|anxiety|panic attacks?|"
        r"pregnan\w*|miscarr\w*|abort(?:ed|ion)|cancer\w*|tumou?rs?|chemo\w*|diabet\w*|insulin\w*|epilep\w*|hiv|std|therap(?:y|ist|ies)|psych(?:iatr|olog|o?ther)\w*|"
        r"surgery|disabled|disabilit\w*|dialysis|alcoholi\w*|addict\w*|rehab|suicid\w*|bulimi\w*|anorexi\w*|dementia|clinic|insomnia|"
        r"enfermedad\w*|embaraz\w*|diabétic\w*|cáncer|depresi\w*|maladie\w*|enceinte|dépressi\w*|hôpital|krankheit\w*|schwanger\w*|krebs|depressi\w*|malatti\w*|incinta|ziekte|zwanger"
    ),
    Kind.FINANCES: (
        r"salary|wages?|debts?|indebted|mortgages?|bankrupt\w*|overdrawn|savings|in arrears|inherit\w*|loans?|owes?|payday|bailiff|"
        r"deudas?|salario|sueldo|nómina|préstamo|hipoteca|dettes?|salaire|hypothèque|schulden|gehalt|kredit|debit[io]|stipendio|schuld(?:en)?|"
        r"(?:earns?|gets|makes|paid|gagne|gana|verdient|guadagna)\b[^.]{0,30}\d[\d.,]*|\d[\d.,]*\s?(?:euros?|pounds?|dollars?|francs?|€|£|\$)|[€£$]\s?\d"
    ),
    Kind.SEXUALITY: (
        r"gay|lesbian\w*|bisexual\w*|homosexual\w*|queer|transgender|trans (?:man|woman)|sexual\w*|erotic\w*|porn\w*|mistress|affair|one-night|fetish\w*|"
        r"lesbiana|amante|maîtresse|schwul|lesbisch|geliebte[rn]?"
    ),
    Kind.RELIGION: (
        r"mosque|synagogue|prays?|prayers?|muslims?|christians?|jewish|hindus?|buddhis\w*|atheis\w*|catholics?|protestants?|"
        r"ramadan|kosher|halal|converted to|baptis\w*|faith|pilgrim\w*|islam\w*|mezquita|reza|mosquée|prie|moschee|betet|moschea"
    ),
    Kind.POLITICS: (
        r"vot(?:es?|ed|ing) (?:for|against|left|right)|democrats?|republicans?|conservative party|labour party|socialists?|communists?|activis\w*|trade union|union member|"
        r"demonstrations?|protest march|member of a party|sindicato|syndicat|gewerkschaft\w*|wählt|vota"
    ),
    Kind.ETHNICITY: (
        r"ethnic\w*|racial\w*|immigra\w*|asylum|refugees?|undocumented|residence permit|deport\w*|visa|roma|sinti|"
        r"sin papeles|sans-papiers|asile|asilo|flüchtling\w*|aufenthalts\w*"
    ),
    Kind.WHEREABOUTS: (
        r"lives? (?:at|on) (?:the )?(?:\w+ ){0,3}(?:street|road|avenue|lane|\d+)|home address|spare key|key under|left unlocked|unlocked|stands empty|is empty|home alone|alone at home|alarm code|"
        r"dirección|wohnt in der|adresse|indirizzo"
    ),
    Kind.CRIME: (
        r"arrest\w*|convict\w*|prison(?! (?:film|break|novel|stor)\w*)|jail|probation|criminal record|stole|stolen|shoplift\w*|fraud\w*|tax evasion|police|offence|drunk driv\w*|drug deal\w*|"
        r"detenid\w*|cárcel|condamné\w*|volé|vorbestraft|verhaftet|gefängnis|arrestat\w*"
    ),
    Kind.IDENTIFIERS: (
        r"passwords?|passport|phone number|e-?mail|social security|insurance number|tax number|account number|iban|date of birth|licence plate|pin code|contraseña|mot de passe|passwort|"
        r"\S+@\S+|[A-Z]{0,3}\d{6,}\w*|\d(?:[ -]?\d){6,}"
    ),
    Kind.FAMILY: (
        r"divorc\w*|custody|adopted|separated from|beats? h(?:er|im)|hit h(?:er|im)|bedwett\w*|nappies at night|bullied|"
        r"(?:husband|wife|partner|spouse) (?:does not|doesn't|must not|mustn't) (?:know|hear|learn)|divorci\w*|geschieden|scheidung"
    ),
    Kind.WORK: (
        r"whistle-?blow\w*|job interviews?|interviews? at|dismissed|fired|laid off|lay-?offs?|resign\w*|undeclared|competitor|secret job|"
        r"despid\w*|licenci\w*|gekündigt|kündig\w*"
    ),
}
_DATE = re.compile(r"\b\d{4}-\d\d(?:-\d\d)?\b")
"""Limner writes dates so; digits and hyphens could be an account number otherwise."""
_BY_WORDS = {kind: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) for kind, words in _WORDS.items()}

_RELATION = (
    r"(?:neighbou?r|friend|boss|manager|colleague|co-?worker|flatmate|room-?mate|sister|brother|mother|father|parents?|cousin|uncle|aunt|"
    r"nephew|niece|son|daughter|child|kids?|twins?|wife|husband|partner|girlfriend|boyfriend|ex|teacher|trainer|landlord|client|"
    r"grand(?:mother|father|parents?)|in-laws?|step\w+|best man|tenant|patient|pupil|student|employee)"
)
_RELATIONS = re.compile(rf"\b{_RELATION}\b", re.IGNORECASE)
_OTHERS = re.compile(
    rf"^the user['’]s (?:\w+[- ]){{0,2}}{_RELATION}(?:s|['’]s)?\b"
    r"|\b(?:heard|knows|thinks|believes|suspects|saw|says|noticed|was told|learned) (?:that )?(?:the|his|her|their|a|an)? ?(?:\w+ ){0,5}(?:is|was|has|had|takes|drinks|stole|cheats|cheated|lies|hides|steals)\b"
    rf"|^(?:el|la|los|las) (?:\w+ )?(?:hij[oa]|herman[oa]|vecin[oa]|amig[oa]|jef[ea]|prim[oa]|madre|padre|marido|mujer) (?:del?|de la) usuari[oa]"
    r"|^(?:le|la|l['’]|les) ?(?:\w+ )?(?:fils|fille|frère|sœur|voisine?|amie?|chef|cousine?|mère|père|mari|femme) de l['’]utilisat"
    r"|^(?:der|die|das) (?:\w+ )?(?:sohn|tochter|bruder|schwester|nachbar(?:in)?|freund(?:in)?|chef(?:in)?|mutter|vater|mann|frau) (?:der nutzerin|des nutzers)",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,40}\b(?:rules?|instructions?|above|previous|polic\w+|restrictions?|checks?)\b"
    r"|\b(?:note|message|hint|instructions?|order|reminder) (?:to|for) (?:the )?(?:assistant|model|checker|auditor|system|ai|filter|reader)\b"
    r"|\b(?:assistant|model|checker|auditor|system|ai|filter)\b[^.]{0,20}\b(?:must|should|shall|has to|have to|may|is to|will|can)\b"
    r"|\b(?:share|tell|release|reveal|show|give|send|list|print|output|disclose|return|include)\b (?:me |us )?(?:it )?(?:all|everything|any ?thing|every|the (?:whole|full|complete|entire))\b"
    r"|\b(?:answer|reply|say|label|mark|treat|classify|rate|count)\b[^.]{0,40}\b(?:yes|share|none|harmless|public|safe|not sensitive)\b"
    r"|\b(?:let (?:it|this|them|all|everything) (?:through|pass)|is (?:pre-?)?(?:approved|cleared)|of type none|not sensitive|may be shared|can be shared|full disclosure|no need to check|already (?:agreed|consented|approved|allowed))\b"
    r"|\b(?:comparte|muestra|revela|di)\b[^.]{0,15}\btodo\b|\b(?:partage|montre|révèle|dis)\w*\b[^.]{0,15}\btout\b|\b(?:teile|zeige|verrate|sag)\w*\b[^.]{0,15}\balles\b|<\||\bsystem ?:",
    re.IGNORECASE,
)


def kinds_by_words(text: str) -> frozenset[Kind]:
    """Return the kinds of information that words of a statement give away; English, and a few words of other languages."""
    undated = _DATE.sub("", text)
    return frozenset(kind for kind, pattern in _BY_WORDS.items() if pattern.search(undated))


def about_others(text: str) -> bool:
    """Whether a statement is, by its form, about somebody other than the user."""
    return _OTHERS.search(text) is not None


def relations(text: str) -> frozenset[str]:
    """Return the words for somebody's relation to the user in a text, such as `niece`; English only."""
    return frozenset(found.group().lower() for found in _RELATIONS.finditer(text))


def gives_orders(text: str) -> bool:
    """Whether a text speaks to whoever decides, instead of naming a fact, a recipient or a purpose."""
    return _ORDERS.search(text) is not None
