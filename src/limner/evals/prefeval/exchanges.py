"""Exchanges about other things, to stand between a preference and the question when no file of turns is given.

PrefEval takes them from LMSYS-Chat-1M, which may not be passed on. These were written for limner: everyday requests, some of
which tell something about whoever asks, none of which bears on a topic of PrefEval.
"""

__all__ = ["EXCHANGES"]

EXCHANGES: tuple[tuple[str, str], ...] = (
    (
        "Can you explain in simple words why the sky is blue? My nephew asked me and I had no good answer.",
        "Sunlight holds every colour. Air scatters the short waves, which we see as blue, far more than the long ones, so blue "
        "light reaches the eye from every direction. In the evening the light comes a longer way through the air; most of the blue is "
        "gone by then, and what is left looks red.",
    ),
    (
        "Please turn this into a polite email: the heating in my flat has been broken since Monday and nobody has called back.",
        "Subject: Heating out of order since Monday. Dear Sir or Madam, the heating in my flat has not worked since Monday. I "
        "have called twice and have not heard back. Could you tell me when somebody will come to repair it? Thank you for your help.",
    ),
    (
        "What is the difference between a list and a tuple in Python?",
        "Both hold values in order. A list can be changed after it is made: you can add, remove and replace its elements. A tuple "
        "cannot, and because of that it can be a key of a dictionary. Use a tuple for a fixed record and a list for a collection "
        "that grows.",
    ),
    (
        "I sold my old piano last week and I am still a bit sad about it. Give me a short quote about letting go.",
        "That is understandable; an instrument holds many hours of a life. Perhaps this fits: what we have loved does not leave us when "
        "it leaves the room; the music stays with whoever played it.",
    ),
    (
        "How many litres are in twelve US gallons?",
        "One US gallon is 3.785 litres, so twelve gallons are about 45.4 litres. An imperial gallon is larger, 4.546 litres, which would "
        "make it about 54.6 litres.",
    ),
    (
        "Summarise the causes of the First World War in three bullet points.",
        "- Alliances tied the great powers together, so that a local war could spread. - Rivalry over colonies, trade and fleets made "
        "each fear the others' growth. - Nationalism, above all in the Balkans, led to the murder in Sarajevo, which set the plans for war "
        "in motion.",
    ),
    (
        "My printer shows error E05 and will not print. I have already switched it off and on again.",
        "E05 usually means that the cartridge is not recognised. Open the lid, take the cartridge out, wipe the copper contacts with a dry "
        "cloth that leaves no lint, and put it back until it clicks. If the message stays, try another cartridge before calling the service.",
    ),
    (
        "Write a two-line birthday greeting for my colleague Ines, who retires next month.",
        "Happy birthday, Ines! May this year bring you long mornings, good company, and not a single meeting. We will miss you, and your "
        "way of making every deadline seem possible.",
    ),
    (
        "What does the word 'serendipity' mean and where does it come from?",
        "Serendipity is the luck of finding something good without looking for it. Horace Walpole coined it in 1754 after a tale, The Three "
        "Princes of Serendip, whose heroes kept discovering things they had not sought.",
    ),
    (
        "I have an interview on Thursday. Ask me one question that I should be ready for.",
        "Here is one that comes up often: tell me about a time when a plan failed, and what you changed afterwards. Answer in three "
        "steps: the situation in a sentence, what you did, and what you would do in the same way again.",
    ),
    (
        "Is it true that lightning never strikes the same place twice?",
        "No. Tall and pointed things are struck again and again; the Empire State Building is hit some twenty times a year. The saying is a "
        "comfort, not a rule of physics.",
    ),
    (
        "Translate into French: the meeting has been moved to half past nine because the train is late.",
        "La réunion a été reportée à neuf heures et demie parce que le train est en retard.",
    ),
    (
        "How do I get the average of a column in a spreadsheet when some of its cells are empty?",
        "Use AVERAGE over the whole range, as in =AVERAGE(B2:B200). Empty cells are left out of the count by themselves. Cells that hold "
        "a zero are counted, so clear those that mean a missing value.",
    ),
    (
        "Our cat has learned to open the kitchen door. Is that normal?",
        "Quite normal for a curious cat: it has watched how the handle moves and hangs its weight on it. A handle that is mounted upright, "
        "or a child lock high up on the frame, usually ends the trick.",
    ),
    (
        "What is the capital of Kazakhstan? I always mix it up.",
        "It is Astana. The city has changed its name several times, from Akmola to Astana in 1998, to Nur-Sultan in 2019, and back to "
        "Astana in 2022; Almaty was the capital before 1997.",
    ),
    (
        "Give me a short exercise to relax my shoulders; I have been sitting at the desk since seven.",
        "Sit upright, breathe in and pull both shoulders up to your ears for five seconds. Let them drop as you breathe out. Then roll them "
        "backwards ten times, slowly. Two rounds of this every hour help more than a long session in the evening.",
    ),
    (
        "How is the area of a triangle computed if I know only its three sides?",
        "With Heron's formula. Let s be half of a + b + c. Then the area is the square root of s(s − a)(s − b)(s − c). For sides 3, 4 and 5, "
        "s is 6 and the area is 6.",
    ),
    (
        "Could you shorten this sentence: in the event that it should happen to rain, the celebration will be held indoors.",
        "If it rains, we celebrate indoors.",
    ),
    (
        "Who painted the Girl with a Pearl Earring?",
        "Johannes Vermeer, around 1665. The picture hangs in the Mauritshuis in The Hague. It is a tronie, a study of a head, and not a "
        "portrait of somebody who could be named.",
    ),
    (
        "I want to remember the order of the planets. Is there a sentence for it?",
        "My very educated mother just served us noodles: Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune, in the order from "
        "the sun outwards.",
    ),
)
