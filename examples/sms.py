"""Short messages, some of which are spam, and the numbers of their words.

Read from ``sms_spam.csv.gz`` where that file is: the SMS Spam Collection (T. A. Almeida,
J. M. Gómez Hidalgo, A. Yamakami, *Contributions to the study of SMS spam filtering*, DocEng 2011;
licence CC BY 4.0). It lies in the folder that the environment variable ``SKLEARN_DIFFICULTY_DATA``
names, or in ``shared/data`` beside the repository. Where it is not, messages are put together from
phrases.
"""

import csv
import gzip
import html
import re
from collections import Counter

import numpy as np
from data_folder import data_folder

# Numbers that stand for no word: nothing more, a word that is too rare, the beginning of a message.
PADDING, RARE, START = 0, 1, 2


def load_messages(n=2500):
    """Texts and their labels.

    Parameters
    ----------
    n : int, default=2500
        How many, drawn out of all; no two are the same.

    Returns
    -------
    texts : ndarray of str of shape (n,)
        Messages.
    labels : ndarray of str of shape (n,)
        "spam", or "ham" for a message that is none.
    source : str
        Where the messages come from.
    """
    file = data_folder() / "sms_spam.csv.gz"
    rng = np.random.default_rng(2)
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            label_of = {_readable(row["text"]): row["label"] for row in csv.DictReader(lines)}
        source = "SMS Spam Collection"
    else:
        kinds = rng.choice(["ham", "spam"], 2 * n, p=[0.85, 0.15])
        label_of, source = {_message(kind, rng): kind for kind in kinds}, "generated"
    rows = rng.permutation(len(label_of))[:n]
    texts, labels = np.array([*label_of], dtype=object), np.array([*label_of.values()])
    return texts[rows], labels[rows], source


def split_words(text):
    """Words, runs of digits (as so many zeros) and other signs of a text, in small letters."""
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[^\w\s]", re.sub(r"\d", "0", text.lower()))


def number_words(messages, n_words, length):
    """Give the words of messages numbers, in rows of one length.

    Parameters
    ----------
    messages : list of list of str
        Words of each message.
    n_words : int
        How many words have a number of their own, the most frequent ones.
    length : int
        Length of the rows: what is longer is cut off, what is shorter filled up.

    Returns
    -------
    numbers : ndarray of int of shape (n, length)
        ``PADDING`` after the end, ``RARE`` for words without a number of their own.
    n_numbers : int
        How many numbers there are.
    """
    counts = Counter(word for words in messages for word in words)
    number_of = {
        word: START + 1 + rank for rank, (word, _) in enumerate(counts.most_common(n_words))
    }
    numbers = np.full((len(messages), length), PADDING)
    for row, words in zip(numbers, messages, strict=True):
        found = [number_of.get(word, RARE) for word in words[:length]]
        row[: len(found)] = found
    return numbers, START + 1 + len(number_of)


def _readable(text):
    """Some texts have codes of signs in place of the signs, and some have signs that few know."""
    text = re.sub("[\x91\x92‘’]", "'", html.unescape(text))
    return "".join(sign for sign in text if sign.isprintable() and ord(sign) < 0x2100)


PHRASES = {
    "ham": [
        "hi NAME , are you still at PLACE ?",
        "ok , see you at PLACE TIME .",
        "i will be at PLACE TIME .",
        "can you call me TIME ?",
        "sorry , i was at PLACE and missed your call .",
        "NAME says that she is coming TIME .",
        "did you get my text about PLACE ?",
        "good night , sleep well !",
        "please bring my bag to PLACE TIME .",
        "i have the phone that NAME lost at PLACE .",
    ],
    "spam": [
        "you have won PRIZE !",
        "text WIN to 80800 now for PRIZE .",
        "call 0900 100 200 TIME to claim PRIZE .",
        "free entry : reply YES TIME and get PRIZE .",
        "urgent ! we have tried to call you about PRIZE .",
        "your number has been drawn for PRIZE .",
    ],
}
SLOTS = {
    "NAME": "anna ben carol dan emma frank grace harry".split(),
    "PLACE": ["home", "work", "school", "the gym", "the station", "the party", "the pub"],
    "TIME": ["now", "tonight", "later", "tomorrow", "soon", "on monday", "after lunch", "at six"],
    "PRIZE": ["a phone", "a holiday", "a new car", "100 pounds in cash", "free minutes"],
}


def _message(kind, rng):
    """Two or three phrases, now and then one of them of the other kind."""
    other = "spam" if kind == "ham" else "ham"
    kinds = [kind, kind, kind if rng.random() < 0.6 else other][: rng.integers(2, 4)]
    text = " ".join(rng.choice(PHRASES[each]) for each in kinds)
    return re.sub("|".join(SLOTS), lambda slot: rng.choice(SLOTS[slot[0]]), text)
