"""Names to make patients of, commonest first, by the part of the population that bears them.

A hospital's names are very unequal: thirty family names cover more than a third of all patients,
and beyond them lies a long tail. Both make a search slow in their own ways, so the generator has both.
A name may be followed by its spelling in Devanagari, in which some patients have a second name.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Callable, Sequence

# A source of chance: each call gives a number from 0 up to 1. Every choice is made of such numbers
# alone, since the richer methods of `random` cost ten times as much, and millions are made here.
Chance = Callable[[], float]

_NORTH_FAMILIES = """
Kumar:कुमार Singh:सिंह Sharma:शर्मा Devi:देवी Verma:वर्मा Gupta:गुप्ता Yadav:यादव Kumari:कुमारी
Mishra:मिश्रा Pandey:पांडेय Tiwari:तिवारी Jain:जैन Agarwal:अग्रवाल Chauhan:चौहान Prasad:प्रसाद
Chaudhary:चौधरी Srivastava:श्रीवास्तव Saxena:सक्सेना Thakur:ठाकुर Rawat:रावत Negi:नेगी Bisht:बिष्ट
Dubey:दुबे Shukla:शुक्ला Tripathi:त्रिपाठी Rathore:राठौर Arora Kapoor Malhotra Khanna Bhatia Mehra Sethi
Chopra Gill Sandhu Dhillon Grewal Sidhu Bajwa Ahuja Meena:मीणा Saini:सैनी Rajput:राजपूत Solanki:सोलंकी
Goyal Bansal Mittal Garg Jha:झा Pathak Upadhyay Dwivedi
"""
_NORTH_MEN = """
Ram:राम Amit:अमित Rahul:राहुल Rajesh:राजेश Sanjay:संजय Suresh:सुरेश Vijay:विजय Anil:अनिल Manoj:मनोज
Ravi:रवि Ajay:अजय Deepak:दीपक Mukesh:मुकेश Dinesh:दिनेश Rakesh:राकेश Vikas:विकास Ashok:अशोक Sunil:सुनील
Mohan:मोहन Rohit:रोहित Arjun:अर्जुन Gaurav:गौरव Naveen Pankaj Sandeep Harish Kailash Narendra:नरेन्द्र
Om Shyam:श्याम Gopal Harpreet Gurpreet Jaspreet Manpreet Baldev Surjit Aarav Vivaan Kabir Ishaan Yash
Dev Karan Nitin Alok
"""
_NORTH_WOMEN = """
Sunita:सुनीता Anita:अनीता Priya:प्रिया Pooja:पूजा Rekha:रेखा Geeta:गीता Seema:सीमा Neha:नेहा
Kavita:कविता Meena:मीना Asha:आशा Usha:उषा Radha:राधा Sita:सीता Suman:सुमन Kiran:किरण Manju:मंजू
Rani:रानी Poonam:पूनम Jyoti:ज्योति Nisha:निशा Ritu:रितु Shanti:शांति Kamla:कमला Savitri:सावित्री
Lalita:ललिता Sarita:सरिता Mamta:ममता Renu Babita Simran Harleen Navneet Kulwinder Ananya Aadhya Diya
Ishita Kavya Riya Sneha Swati Shweta Preeti Archana
"""
_SOUTH_FAMILIES = """
Reddy Rao Nair Iyer Naidu Pillai Menon Murthy Raju Krishnan Subramanian Venkatesan Narayanan Swamy Gowda
Shetty Hegde Bhat Kamath Pai Babu Chandran Rajan Raman Selvam Murugan Palani Balakrishnan Ramachandran
Srinivasan Varma Kurup Panicker Namboothiri Varghese Kurian Goud Chowdary Setty Achari Iyengar Natarajan
"""
_SOUTH_MEN = """
Venkatesh Srinivas Ramesh Krishna Lakshmanan Karthik Prakash Mahesh Ganesh Murali Senthil Saravanan
Raghu Balaji Anand Arun Vinod Santhosh Sreekumar Unnikrishnan Manjunath Nagaraj Basavaraj Raghavendra
Sudhakar Chandrashekar Gopalakrishnan Sundaram Vignesh Pradeep Jagadeesh Kishore Satish Ramakrishna
Subramaniam
"""
_SOUTH_WOMEN = """
Lakshmi:लक्ष्मी Padma Saraswathi Latha Sujatha Vasantha Kamala Revathi Meenakshi Parvathi Bhavani
Shanthi Jaya Deepa Divya Sangeetha Vidya Anitha Kavitha Sunitha Swathi Sindhu Aishwarya Soumya Sudha
Girija Ambika Bhagyalakshmi Nagamma Yellamma Rajeshwari Annapurna Hemalatha Jayanthi Uma Malathi Nirmala
Radhika Gayathri
"""
_WEST_FAMILIES = """
Patel:पटेल Shah:शाह Patil:पाटील Joshi:जोशी Desai:देसाई Mehta:मेहता Kulkarni:कुलकर्णी Jadhav:जाधव
Pawar:पवार Shinde:शिंदे More:मोरे Kale:काळे Deshmukh:देशमुख Deshpande:देशपांडे Chavan:चव्हाण
Gaikwad:गायकवाड Bhosale:भोसले Parmar Trivedi Dave Bhatt Vyas Thakkar Modi Gandhi Naik Sawant
Kamble:कांबळे Mane Salunkhe Wagh Kadam Mahajan Apte Gokhale Rane
"""
_WEST_MEN = """
Nilesh Sachin:सचिन Ganesh:गणेश Prashant:प्रशांत Santosh:संतोष Mahesh:महेश Hitesh Jignesh Bhavesh Ketan
Chirag Mehul Sameer Aniket Omkar Tushar Vaibhav Shrikant Dattatray Pandurang Vitthal Balasaheb Kiran
Nikhil Swapnil Rohan
"""
_WEST_WOMEN = """
Vaishali:वैशाली Manisha:मनीषा Sangita:संगीता Smita:स्मिता Shobha:शोभा Surekha:सुरेखा Hetal Komal Bhavna
Daksha Mangal Vandana:वंदना Ashwini:अश्विनी Pallavi:पल्लवी Madhuri:माधुरी Sushma Kokila Jasmin Rupali
Tejal Sonal Urmila
"""
_EAST_FAMILIES = """
Das Roy Ghosh Banerjee Mukherjee Chatterjee Dutta Sen Saha Mondal Bose Sarkar Biswas Paul Chakraborty
Nayak Mohanty Sahoo Behera Pradhan Panda Rout Swain Bora Gogoi Kalita Barua Hazarika Majumdar Ganguly
Bhattacharya
"""
_EAST_MEN = """
Subhash Sourav Debashish Partha Tapan Swapan Bikash Ashim Pranab Anirban Arindam Biswajit Prasanta
Kartik Bimal Jagannath Bijay Ranjan Sushanta Dipankar Kaushik Rituparna Utpal Nabin Jatin Hemanta Bhupen
Samir Amal Nirmal
"""
_EAST_WOMEN = """
Sumitra Mousumi Sharmila Ruma Tapati Krishna Dipa Chandana Bandana Sutapa Moumita Ankita Debjani Rupa
Sabita Minati Pramila Jharana Mamata Sasmita Itishree Bina Nilima Dolly Rashmi Sanchita Susmita Payel
Tanushree Purnima
"""
_MUSLIM_FAMILIES = """
Khan:खान Ahmed:अहमद Ansari:अंसारी Shaikh:शेख Ali:अली Begum:बेगम Khatun Siddiqui Pathan Qureshi Hussain
Malik Mirza Sayyed Rahman Hashmi Rizvi Naqvi Baig Farooqui Usmani Kazi Mulla Momin Mansuri Bano Alam
Akhtar Iqbal
"""
_MUSLIM_MEN = """
Mohammed:मोहम्मद Abdul Imran:इमरान Salman Arif Asif Irfan Javed Nadeem Rashid Shahid Tariq Wasim Zahid
Faisal Yusuf Ibrahim Ismail Hamid Karim Rafiq Aslam Akbar Feroz Naushad Sajid Shakeel Sultan Usman Bilal
Zaid Ayaan
"""
_MUSLIM_WOMEN = """
Fatima:फातिमा Ayesha:आयशा Shabana:शबाना Nasreen Rukhsana Parveen Salma Yasmin Zainab Rehana Farida Noor
Tabassum Shaheen Mumtaz Razia Sultana Afreen Heena Nazia Samina Tahira Zubeda Khadija Amina Hina Sana
Rubina Shamim
"""
_WORLD_FAMILIES = """
D'Souza Fernandes Thomas George Joseph Mathew Pereira Rodrigues Lobo Smith Johnson Nguyen Wang Li Zhang
Kim García Martínez Müller Schmidt Okafor Mensah Ivanov Petrov O'Brien Kowalski Silva Santos Yamamoto
Hansen Lindström Papadopoulos Al-Farsi Haddad Cohen Levi Dubois Lefèvre Rossi Ferrari Novák Horvat
Tamang Gurung Sherpa Lama
"""
_WORLD_MEN = """
John Joseph Antony Jose Thomas Mathew George Peter Paul David Michael Daniel James Robert Wei Jun
Hiroshi Carlos José Luis Ahmad Kwame Chidi Ivan Dmitri Pierre Luca Marco Lars Erik Tenzin Pasang Dawa
Karma Francis Xavier Alan
"""
_WORLD_WOMEN = """
Mary Anna Maria Elizabeth Rosa Teresa Susan Grace Ruth Sarah Linda Karen Mei Yuki Sofía Lucía Amara
Ngozi Olga Natasha Claire Chloé Giulia Francesca Ingrid Astrid Pema Dolma Lhamo Agnes Philomena Stella
Jessy Annamma Leela
"""

# Family names made of places and crafts: the long tail.
_TAIL_HEADS = """
Adhi Ambe Anna Arva Ashti Bade Bala Bhal Bhad Bhik Bora Chand Chik Chin Daha Deva Dhan Dhum Gadh Gang
Ghat Giri Gond Hala Hari Hing Hosa Inda Jaga Jama Jun Kala Kand Kar Kesha Khad Khar Kola Kond Kuda Lad
Lona Maha Mal Mand Masur Mud Nag Nand Nara Nim Pali Pan Pata Pimp Raj Ratna Sang Sas Shiv Sona Sur Tal
Tamb Tul Uma Vada Vel Vish Wad Yel Zar
"""
_TAIL_MIDDLES = "a e i ap al ar and eri ola uk"
_TAIL_ENDS = "kar wal puri nath gaonkar appa swamy wade ekar war rkar lkar dar walla moorthy patti"
_TAIL_SHARE = 0.22
_DEVANAGARI_SHARE = 0.35


def _family_tail() -> tuple[str, ...]:
    heads, middles, ends = _TAIL_HEADS.split(), _TAIL_MIDDLES.split(), _TAIL_ENDS.split()
    return tuple("".join(parts) for parts in itertools.product(heads, middles, ends))


TAIL = _family_tail()


def shares(weights: Sequence[float]) -> tuple[float, ...]:
    """What `bisect` finds a place in for a number from 0 up to 1, by weight."""
    total = sum(weights)
    return tuple(itertools.accumulate(weight / total for weight in weights[:-1]))


@dataclasses.dataclass(frozen=True, slots=True)
class Name:
    """A name, with its spelling in Devanagari where one is known."""

    latin: str
    devanagari: str = ""


class Skewed:
    """Names, the first the commonest: the chance of each is about one over its place."""

    def __init__(self, text: str) -> None:
        self.names = tuple(Name(*word.split(":")) for word in text.split())
        self._shares = shares([1 / (place + 2) for place in range(len(self.names))])

    def pick(self, chance: Chance) -> Name:
        """One of them."""
        return self.names[bisect.bisect(self._shares, chance())]


@dataclasses.dataclass(frozen=True, slots=True)
class Community:
    """A part of the population whose names go together."""

    families: Skewed
    men: Skewed
    women: Skewed
    language: str

    def given(self, gender: str, chance: Chance) -> Name:
        """A given name."""
        return (self.women if gender == "female" else self.men).pick(chance)

    def family(self, chance: Chance) -> Name:
        """A family name: mostly a common one, else one of the tail."""
        if chance() < _TAIL_SHARE:
            return Name(TAIL[int(chance() * len(TAIL))])
        return self.families.pick(chance)


COMMUNITIES: Sequence[Community] = (
    Community(Skewed(_NORTH_FAMILIES), Skewed(_NORTH_MEN), Skewed(_NORTH_WOMEN), "hi-IN"),
    Community(Skewed(_SOUTH_FAMILIES), Skewed(_SOUTH_MEN), Skewed(_SOUTH_WOMEN), "te-IN"),
    Community(Skewed(_WEST_FAMILIES), Skewed(_WEST_MEN), Skewed(_WEST_WOMEN), "mr-IN"),
    Community(Skewed(_EAST_FAMILIES), Skewed(_EAST_MEN), Skewed(_EAST_WOMEN), "bn-IN"),
    Community(Skewed(_MUSLIM_FAMILIES), Skewed(_MUSLIM_MEN), Skewed(_MUSLIM_WOMEN), "ur-IN"),
    Community(Skewed(_WORLD_FAMILIES), Skewed(_WORLD_MEN), Skewed(_WORLD_WOMEN), "en-IN"),
)
_COMMUNITY_SHARES = shares((0.38, 0.2, 0.16, 0.11, 0.11, 0.04))


def community(chance: Chance) -> Community:
    """One of the communities, by its share."""
    return COMMUNITIES[bisect.bisect(_COMMUNITY_SHARES, chance())]


def has_devanagari(given: Name, family: Name, chance: Chance) -> bool:
    """Whether this patient's name is also written in Devanagari."""
    return bool(given.devanagari and family.devanagari) and chance() < _DEVANAGARI_SHARE
