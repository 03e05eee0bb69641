"""Pieces of the patterns that turns are read with, over lines as `tokens.Line` writes them."""

__all__ = ["ADVERBS", "BOUNDARY", "ITEMS", "NOUN", "ONE"]

NOUN = r"(?:ones?|I|options?|suggestions?|recommendations?|choices?|picks?|items?)"
ONE = (
    rf"(?:(?:T|S)(?: I)?|(?:all|both|any|either|none|neither) of (?:them|those|these|the {NOUN})(?: {NOUN})?"
    rf"|(?:that|this|those|these|them|it|they|both|the I)(?: {NOUN})?|all (?:two|three|four|five))"
)
ITEMS = rf"(?:the (?:I )?)?{ONE}(?:(?: ,| and| or| plus| /| &| also| then| the)* {ONE})*"
ADVERBS = (
    r"(?:(?:really|also|just|absolutely|totally|truly|do|did|always|still|quite|actually|definitely|only|recently|already"
    r"|personally|kinda|usually|generally|probably|so|have|had|once|both|all|too|would|especially|even|very|much|never|ve|ever) )*"
)
BOUNDARY = r"(?=$| [.!?,;\n)]| _| and| but| so| because| though)"
"""What may follow a phrase that stands by itself."""
