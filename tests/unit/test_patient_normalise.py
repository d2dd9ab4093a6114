"""Words of names in any script, and the digits of phones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms_server.patient import indic, normalise, phonetic


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Amit  Kumar", ["amit", "kumar"]),
        ("Müller-Lüdenscheidt", ["muller", "ludenscheidt"]),
        ("O'Brien d’Souza", ["obrien", "dsouza"]),
        ("ＡＭＩＴ", ["amit"]),
        ("अमित शर्मा", ["amit", "sharma"]),
        ("लक्ष्मी देवी", ["lakshmi", "devi"]),
        ("नरेन्द्र नरेंद्र", ["narendra", "narendra"]),
        ("राजकुमार सिंह", ["rajkumar", "singh"]),
        ("फ़ातिमा ज़ैदी", ["fatima", "zaidi"]),
        ("முருகன் கண்ணன்", ["murugan", "kannan"]),
        ("அமித் ஆனந்த் சுரேஷ்", ["amit", "anand", "suresh"]),
        ("রবীন্দ্রনাথ", ["rabindranath"]),
        ("ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", ["gurprit", "singh"]),
        ("ಶಿವಕುಮಾರ್", ["shivakumar"]),
        ("మోహన్", ["mohan"]),
        ("മോഹൻലാൽ", ["mohanlal"]),
        ("ગીતા પટેલ", ["gita", "patel"]),
        ("Владимир", ["vladimir"]),
        ("९८७६५", ["98765"]),
        ("  ", []),
        ("!!!", []),
    ],
)
def test_words(text, words):
    assert normalise.words(text) == words


@given(st.text(max_size=60))
def test_any_text_becomes_ascii_words(text):
    for word in normalise.words(text):
        assert word
        assert word.isascii()
        assert word == word.lower()
        assert word.isalnum()


@given(st.text(st.characters(min_codepoint=0x900, max_codepoint=0xD7F), max_size=30))
def test_every_sequence_of_indian_letters_is_spelled(text):
    spelled = indic.transliterate(text)
    assert not any(0x900 <= ord(letter) <= 0xD7F for letter in spelled)


@given(st.lists(st.sampled_from(["Amit", "कुमार", "Müller", "Nair"]), min_size=1, max_size=4))
def test_words_do_not_depend_on_their_neighbours(parts):
    assert normalise.words(" ".join(parts)) == [w for part in parts for w in normalise.words(part)]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+91 98765 43210", "9876543210"),
        ("098765-43210", "9876543210"),
        ("(022) 2345 678", "0222345678"),
        ("555-813-7172", "5558137172"),
        ("+1 555 813 7172 ext. 89", "5558137172"),
        ("५५५८१३७१७२", "5558137172"),
        ("tel", ""),
    ],
)
def test_phone_digits(text, digits):
    assert normalise.phone_digits(text) == digits


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("sharma 98765 43210", ["sharma", "9876543210"]),
        ("+91 98765-43210", ["9876543210"]),
        ("कुमार Amit amit", ["kumar", "amit"]),
        ("h 0000-0174", ["h", "00000174"]),
        ("a b c d e f g h i j", list("abcdefgh")),
    ],
)
def test_query_tokens(query, tokens):
    assert normalise.query_tokens(query) == tokens


@pytest.mark.parametrize(
    "alike",
    [
        ("lakshmi", "laxmi", "lakshmee"),
        ("sunita", "suneetha"),
        ("mohammed", "muhammad"),
        ("vijay", "wijay"),
        ("sharma", "sarma"),
        ("subramanian", "suppiramaniyan"),
        ("philip", "filip", "phillip"),
        ("catherine", "katherine"),
        ("krishna", "krisna"),
        ("gupta", "guptha"),
    ],
)
def test_names_that_sound_alike(alike):
    assert len({phonetic.sound(name) for name in alike}) == 1


@pytest.mark.parametrize(
    "pair", [("amit", "anil"), ("ravi", "raju"), ("sharma", "verma"), ("khan", "kaur"), ("devi", "das")]
)
def test_names_that_do_not_sound_alike(pair):
    assert phonetic.sound(pair[0]) != phonetic.sound(pair[1])
