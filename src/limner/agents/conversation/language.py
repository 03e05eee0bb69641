"""Whether a turn is in another language than English, and how to say in that language that limner understands English only."""

import re
import unicodedata
from functools import cache
from typing import Any

from limner.agents.conversation.lexicon import COMMON

__all__ = ["language_of", "understands_only_english"]

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FEWEST = 3
"""Words from which a turn in Latin letters can be told: fewer may be a name, a title, or slang."""
_SURE = 0.9
_SURER, _MORE = 0.999, 5
"""What is asked of a language whose daily words are not listed here, and from how many words on."""
_TELLING, _HEARD = 3, 2
"""Daily words of a language that settle it: so many by themselves, so many where the classifier does not speak against it."""
_LEAST = 0.01
_LETTERS = 5
"""Letters from which a turn in another script counts as a sentence."""
_ENGLISH = 0.34
"""Share of words of daily English from which a turn is taken for English, whatever the letters look like."""

_SHARED = """
    a an as at do die in is it me my no so to on of he us we all also alle war man par son ten pour or des les
    mine main pas fin dune animal animals action drama comedy thriller horror fantasy film films movie star video
    western documentary musical idea real general central total final super ok okay hey hi ja via plus grand long
    large bad fast hell gift kind tag rat ship mit note sol sin van den more once come date pan fine per lol haha
    hola adios si n s t m d x w u b r k bar dance under over for most i dame un
"""
_OTHERS_TOO = frozenset(_SHARED.split())
"""Words of daily English that other languages have as well."""

_DAILY = {
    "de": "ich suche möchte mag gerne gern einen eine ein etwas film filme mir mich nicht kein keine und oder bitte danke mit ohne für was wie wir empfiehl empfehlen kannst du hallo gibt es lieber gesehen schon habe hast nein ja wäre sehr auch",
    "fr": "je j'ai j'aime j'adore cherche voudrais veux aime un une des du quelque chose film films moi avec sans pas plus et ou s'il vous plaît merci bonjour salut est-ce que tu peux me recommander déjà vu nous pour c'est qu'est très aussi plutôt drôle non oui",
    "es": "quiero busco quisiera gusta gustan gustaría me una un algo película películas peli con sin pero más por favor gracias hola qué puedes recomendar recomiéndame recomiendas ya la he visto no nada muy también miedo para ver estoy buscando sí",
    "pt": "quero procuro gostaria gosto de um uma algo filme filmes com sem mas mais por favor obrigado obrigada olá você pode recomendar me já vi não nada muito também estou procurando assistir ver sim oi eu",
    "it": "voglio cerco vorrei mi piace piacciono un una qualcosa film con senza ma più per favore grazie ciao puoi consigliarmi consigliare consigliami già visto non niente molto anche sto cercando vedere che sì ho",
    "nl": "ik zoek wil graag hou van een iets film films mij niet geen en of maar met zonder voor alsjeblieft dank je bedankt hallo kun wat gezien heb al ook meer nee ja leuk",
    "pl": "szukam chcę chciałbym chciałabym lubię jakiś jakąś coś film filmy filmu mi nie i lub ale z bez proszę dziękuję cześć możesz polecić polecasz już widziałem widziałam bardzo też tak dla do obejrzenia",
    "sv": "jag söker letar efter vill gillar tycker om en ett något film filmer mig inte ingen och eller men med utan för tack hej kan du rekommendera redan sett har också mer nej ja",
    "da": "jeg søger leder efter vil gerne kan lide en et noget film mig ikke ingen og eller men med uden for tak hej du anbefale allerede set har også mere nej ja",
    "tr": "bir film istiyorum arıyorum seviyorum severim bana önerir misin öner lütfen teşekkürler merhaba ve veya ama daha çok izledim gibi için ne değil yok komedi korku hayır evet ben",
    "id": "saya aku mencari ingin mau suka film yang dengan tanpa tolong terima kasih halo bisa rekomendasikan tidak bukan sudah pernah nonton menonton lucu dan atau tapi lebih untuk apa ada",
    "vi": "tôi muốn tìm thích một bộ phim không và hoặc nhưng với cho cảm ơn xin chào bạn có thể giới thiệu đã xem rồi hài kinh dị hơn gì",
    "ro": "vreau caut aș dori îmi place plac un o ceva film filme cu fără dar mai și te rog mulțumesc bună poți recomanda am văzut deja nu foarte",
    "cs": "hledám chci chtěl chtěla bych líbí mám rád ráda nějaký nějakou něco film filmy mi ne nebo ale s bez prosím děkuji ahoj můžeš doporučit už jsem viděl viděla také",
    "fi": "etsin haluan haluaisin pidän jokin jotain elokuva elokuvan elokuvia minulle ei ja tai mutta kanssa ilman kiitos hei voitko suositella olen jo nähnyt myös",
    "hu": "keresek szeretnék akarok szeretem egy valami film filmet nekem nem és vagy de kérem köszönöm szia tudsz ajánlani már láttam is nagyon",
}  # fmt: skip
"""Words that people say when they look for something, in the languages that are told with few words."""
_WORDS = {code: frozenset(words.split()) - COMMON for code, words in _DAILY.items()}
_CODES = """
    ar bg bn cs da de el en es fa fi fr gu he hi hr hu hy id it ja ka kn ko lt lv mk ml mr ms nb ne nl no pa pl pt
    ro ru sk sl sr sv sw ta te th tl tr uk ur vi zh
"""
_LARGE = _CODES.split()


def language_of(text: str) -> str | None:
    """Return the code of a turn's language (ISO 639-1) where it is clearly another than English; none for English or when unsure.

    The classifier of py3langid (Lui and Baldwin, "Cross-domain feature selection for language identification", 2011) is asked
    about what may be foreign; titles, names, single words and slang mislead it, so in Latin letters daily words of
    that language must be there as well.

    Args:
        text: A turn of a conversation.
    """
    text = text[:2_000]
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not _is_latin(character) for character in letters)
    if foreign >= _LETTERS and foreign > len(letters) / 2:
        return _code(_ranked(text)[0][0])
    words = [match.group().casefold().replace("’", "'") for match in _WORD.finditer(text)]
    if len(words) < _FEWEST or _english(words) >= _ENGLISH:
        return None
    distinct = set(words)
    most, listed = max((len(distinct & known), code) for code, known in _WORDS.items())
    if most >= _TELLING and most > len(words) / 2:
        return listed
    ranked = _ranked(text.casefold())
    code, sure = ranked[0]
    shares = dict(ranked)
    if code == "en" or shares["en"] > 1 - _SURE:
        return None
    if (
        most >= _HEARD
        and most >= len(words) / 3
        and (shares.get(listed, 0.0) >= _LEAST or most > len(words) / 2)
    ):
        return listed
    unlisted = code not in _WORDS and len(words) >= _MORE and sure >= _SURER and _english(words) == 0
    return _code(code) if unlisted else None


def understands_only_english(code: str) -> str:
    """Return one sentence, in a language, that limner's conversation understands English only for now and keeps what was said.

    Args:
        code: As `language_of` returns it; for a language that is not known, the sentence is in English.
    """
    return _SENTENCES.get(code, _SENTENCES["en"])


def _english(words: list[str]) -> float:
    """Return the share of words that are daily English and nothing else."""
    plain = [word.replace("'", "") for word in words]
    return sum(word in COMMON and word not in _OTHERS_TOO for word in plain) / len(words)


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith((
        "LATIN",
        "MODIFIER",
        "FULLWIDTH LATIN",
    ))


def _code(code: str) -> str | None:
    return None if code == "en" else {"nb": "no", "nn": "no"}.get(code, code)


def _ranked(text: str) -> list[tuple[str, float]]:
    ranked: list[tuple[str, float]] = [(code, float(share)) for code, share in _identifier().rank(text)]
    return ranked


@cache
def _identifier() -> Any:  # noqa: ANN401
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LARGE)
    return identifier


_SENTENCES = {
    "en": "For now I only understand English in a conversation; what you said is kept.",
    "ar": "لا أفهم في المحادثة حاليًا سوى الإنجليزية؛ وقد حُفظ ما قلته.",
    "de": "In einem Gespräch verstehe ich vorerst nur Englisch; was du gesagt hast, ist aufgehoben.",
    "es": "Por ahora solo entiendo inglés en una conversación; lo que has dicho queda guardado.",
    "fr": "Pour l’instant, je ne comprends que l’anglais dans une conversation ; ce que vous avez dit est conservé.",
    "hi": "अभी मैं बातचीत में केवल अंग्रेज़ी समझता हूँ; आपने जो कहा वह सहेज लिया गया है।",
    "id": "Untuk saat ini saya hanya memahami bahasa Inggris dalam percakapan; yang Anda katakan tetap disimpan.",
    "it": "Per ora in una conversazione capisco solo l’inglese; quello che hai detto è conservato.",
    "ja": "今のところ、会話では英語しか理解できません。おっしゃったことは保存されています。",
    "ko": "지금은 대화에서 영어만 이해할 수 있습니다. 말씀하신 내용은 저장되었습니다.",
    "nl": "In een gesprek begrijp ik voorlopig alleen Engels; wat je hebt gezegd, is bewaard.",
    "pl": "Na razie rozumiem w rozmowie tylko język angielski; to, co zostało powiedziane, jest zachowane.",
    "pt": "Por enquanto só entendo inglês numa conversa; o que você disse fica guardado.",
    "ru": "Пока я понимаю в разговоре только английский; сказанное сохранено.",
    "tr": "Şimdilik bir sohbette yalnızca İngilizce anlıyorum; söyledikleriniz saklandı.",
    "zh": "目前我在对话中只能听懂英语；您说的话已保存。",
}  # fmt: skip
